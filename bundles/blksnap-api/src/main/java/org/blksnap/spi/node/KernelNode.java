// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.node;

import java.nio.file.Path;

/**
 * A node as the kernel shows it.
 *
 * @param index the N of {@code /dev/nbdN}
 * @param connected somebody connected it and nobody disconnected it since; its connections may be
 *     dead all the same
 * @param label what the one who connected it said; empty where nothing
 * @param size bytes; 0 where it is not connected
 * @param readOnly it refuses writes
 */
public record KernelNode(int index, boolean connected, String label, long size, boolean readOnly) {
  /** Where it is. */
  public Path path() {
    return Path.of("/dev/nbd" + index);
  }
}
