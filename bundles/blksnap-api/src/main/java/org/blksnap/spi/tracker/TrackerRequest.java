// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.tracker;

import java.nio.file.Path;
import org.blksnap.api.block.BlockSizeRule;

/**
 * What a tracker is opened for. Nothing here is a time: fingerprints are compared for equality.
 *
 * @param device name, for messages
 * @param file the map's file; made where missing
 * @param capacity bytes
 * @param rule tracking block size, used when a map is made
 * @param durable force a mark to disk before the first write of each block
 * @param identity the device's key; another one than in the file means a new generation
 * @param fingerprint the device's present fingerprint
 * @param evidence how the device was left, where the map was not closed; a file that was closed
 *     says so itself
 * @param bootId of the running kernel; another one than in a file not cleanly closed means power
 *     loss
 * @param adopt true where a tracker of this engine handed the file over just now, and the device
 *     was held all the time: it is trusted as it is
 */
public record TrackerRequest(
    String device,
    Path file,
    long capacity,
    BlockSizeRule rule,
    boolean durable,
    String identity,
    String fingerprint,
    Evidence evidence,
    String bootId,
    boolean adopt) {}
