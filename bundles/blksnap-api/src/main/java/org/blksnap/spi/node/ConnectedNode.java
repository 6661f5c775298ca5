// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.node;

/**
 * What came of connecting.
 *
 * @param index the N of {@code /dev/nbdN}
 * @param size bytes, as the server said
 * @param blockSize bytes, the least the node is read and written in
 * @param readOnly the server takes no writes
 */
public record ConnectedNode(int index, long size, int blockSize, boolean readOnly) {}
