// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.node;

import java.nio.file.Path;
import java.util.Optional;
import org.blksnap.api.export.ExportKind;

/**
 * A node of ours.
 *
 * @param path {@code /dev/nbdN}
 * @param export what it is connected to
 * @param kind what is behind that
 * @param state whether it is served now
 * @param detail why not, a sentence for a person; empty where it is
 * @param size bytes
 * @param readOnly it refuses writes
 * @param connections how many the kernel was given
 * @param link {@code /dev/blksnap-image_<major>:<minor>}, of an image's node where it could be made
 */
public record DeviceNode(
    Path path,
    String export,
    ExportKind kind,
    State state,
    String detail,
    long size,
    boolean readOnly,
    int connections,
    Optional<Path> link) {
  /** Whether a node is served. */
  public enum State {
    /** It is. */
    CONNECTED,
    /** Its connection died; its I/O waits, and a new connection is tried again and again. */
    WAITING,
    /** Its export is no longer what it was connected to. I/O fails at the node's timeout. */
    LOST
  }
}
