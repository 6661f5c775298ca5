// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.device;

import java.nio.file.Path;

/**
 * How to open a device.
 *
 * @param path regular file or block device
 * @param readOnly open for reading alone
 * @param force open a block device although it is mounted or exclusively open elsewhere
 */
public record OpenRequest(Path path, boolean readOnly, boolean force) {}
