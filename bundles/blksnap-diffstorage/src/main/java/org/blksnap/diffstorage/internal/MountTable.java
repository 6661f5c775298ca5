// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Who uses a block device, as the kernel's tables tell. */
final class MountTable {
  private final Path mounts;
  private final Path swaps;

  MountTable(Path mounts, Path swaps) {
    this.mounts = mounts;
    this.swaps = swaps;
  }

  static MountTable ofThisProcess() {
    return new MountTable(Path.of("/proc/self/mountinfo"), Path.of("/proc/swaps"));
  }

  /** Where it is mounted, or that it is swap; empty where neither. */
  Optional<String> userOf(Path device, FileKey key) throws IOException {
    Path real = device.toRealPath();
    String number = key.major() + ":" + key.minor();
    for (String line : lines(mounts)) {
      String[] fields = line.split(" ", -1);
      int dash = List.of(fields).indexOf("-");
      boolean named = dash > 0 && dash + 2 < fields.length && same(fields[dash + 2], real);
      if (fields.length > 4 && (fields[2].equals(number) || named)) {
        return Optional.of("mounted at " + fields[4]);
      }
    }
    for (String line : lines(swaps)) {
      if (same(line.split("\\s", 2)[0], real)) {
        return Optional.of("in use as swap");
      }
    }
    return Optional.empty();
  }

  private static List<String> lines(Path table) throws IOException {
    return Files.isReadable(table) ? Files.readAllLines(table) : List.of();
  }

  private static boolean same(String named, Path real) throws IOException {
    if (!named.startsWith("/dev/")) {
      return false;
    }
    Path path = Path.of(named);
    return path.equals(real) || (Files.exists(path) && path.toRealPath().equals(real));
  }
}
