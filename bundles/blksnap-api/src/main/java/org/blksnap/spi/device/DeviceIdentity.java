// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.device;

/**
 * Who a device is.
 *
 * @param key stays the same as long as it is the same device: WWN or serial and partition of a
 *     disk, {@code file:<dev>:<inode>} of a regular file
 * @param blockDevice false for a regular file
 * @param major device number of a block device, else 0
 * @param minor device number of a block device, else 0
 */
public record DeviceIdentity(String key, boolean blockDevice, int major, int minor) {}
