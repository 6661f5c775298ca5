// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.tracker;

import java.nio.file.Path;
import org.blksnap.api.block.BlockSizeRule;

/**
 * What a tracker is opened for.
 *
 * @param device name, for messages
 * @param file the map's file; made where missing
 * @param capacity bytes
 * @param rule tracking block size, used when a map is made
 * @param durable force a mark to disk before the first write of each block
 * @param identity the device's key; another one than in the file means a new generation
 * @param fingerprint the device's present fingerprint; compared with the one of the last clean
 *     close
 * @param lastModifiedMillis when the device was last changed, 0 where unknown; compared with the
 *     file's heartbeat after a kill
 * @param bootId of the running kernel; another one than in a file not cleanly closed means power
 *     loss
 * @param adopt true where a tracker of this process handed the file over just now: it is trusted as
 *     it is
 */
public record TrackerRequest(
    String device,
    Path file,
    long capacity,
    BlockSizeRule rule,
    boolean durable,
    String identity,
    String fingerprint,
    long lastModifiedMillis,
    String bootId,
    boolean adopt) {}
