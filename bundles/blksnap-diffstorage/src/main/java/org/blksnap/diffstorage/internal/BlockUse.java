// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.linux.proc.MountTable;
import org.blksnap.linux.proc.MountTable.Mount;

/** Who uses a block device, as the kernel's tables tell. */
final class BlockUse {
  private final MountTable table;

  BlockUse(MountTable table) {
    this.table = table;
  }

  static BlockUse onThisHost() {
    return new BlockUse(new MountTable(Path.of("/proc")));
  }

  /** Where it is mounted, or that it is swap; empty where neither. */
  Optional<String> of(Path device, FileIdentity identity) throws IOException {
    Path real = device.toRealPath();
    List<Mount> mounts = table.mounts();
    if (mounts.isEmpty() && Files.exists(table.proc().resolve("self"))) {
      throw new IOException("the mount table cannot be read");
    }
    for (Mount mount : mounts) {
      if (mount.number().equals(identity.number()) || same(mount.source(), real)) {
        return Optional.of("mounted at " + mount.point());
      }
    }
    for (Path swap : table.swaps()) {
      if (same(swap.toString(), real)) {
        return Optional.of("in use as swap");
      }
    }
    return Optional.empty();
  }

  private static boolean same(String named, Path real) throws IOException {
    if (!named.startsWith("/dev/")) {
      return false;
    }
    Path path = Path.of(named);
    return path.equals(real) || (Files.exists(path) && path.toRealPath().equals(real));
  }
}
