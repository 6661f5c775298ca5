// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.nio.file.Path;

/**
 * What to attach and how.
 *
 * @param path regular file or block device
 * @param name name to give it; null for one made from the file name
 * @param readOnly refuse writes with EROFS
 * @param force attach a block device even where it is mounted or exclusively open elsewhere
 * @param durable keep the change map of a file over a power loss where nobody had written to it for
 *     5 s; costs a forced write at the first write of each tracking block, and at each stir
 * @param persistent attach again when the service starts
 */
public record AttachRequest(
    Path path, String name, boolean readOnly, boolean force, boolean durable, boolean persistent) {
  /** Read-write, exclusive, remembered. */
  public static AttachRequest of(Path path) {
    return new AttachRequest(path, null, false, false, false, true);
  }

  public AttachRequest named(String newName) {
    return new AttachRequest(path, newName, readOnly, force, durable, persistent);
  }
}
