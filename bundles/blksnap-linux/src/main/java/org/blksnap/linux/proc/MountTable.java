// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.proc;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** /proc/self/mountinfo and /proc/swaps, read anew at each question. */
public final class MountTable {
  /**
   * One line.
   *
   * @param number of the file system; not a block device's where it has none of its own
   * @param point where it is mounted
   * @param type such as ext4
   * @param source what was mounted
   * @param options of the file system
   */
  public record Mount(
      DeviceNumber number, Path point, String type, String source, String options) {}

  private static final int NUMBER_WORD = 2;
  private static final int POINT_WORD = 4;

  private final Path proc;

  /** The directory is {@code /proc}, or a copy of it. */
  public MountTable(Path proc) {
    this.proc = proc;
  }

  public Path proc() {
    return proc;
  }

  public List<Mount> mounts() {
    List<Mount> mounts = new ArrayList<>();
    for (String line : KernelText.lines(proc.resolve("self").resolve("mountinfo"))) {
      parse(line).ifPresent(mounts::add);
    }
    return mounts;
  }

  /** Files and devices swapped to. */
  public List<Path> swaps() {
    List<Path> swaps = new ArrayList<>();
    for (String line : KernelText.lines(proc.resolve("swaps"))) {
      String first = line.split("\\s", 2)[0];
      if (first.startsWith("/")) {
        swaps.add(Path.of(KernelText.unescape(first)));
      }
    }
    return swaps;
  }

  private static Optional<Mount> parse(String line) {
    String[] words = line.split(" ", -1);
    int separator = POINT_WORD + 1;
    while (separator < words.length && !words[separator].equals("-")) {
      separator++;
    }
    if (separator + 3 >= words.length) {
      return Optional.empty();
    }
    String[] rest = {words[separator + 1], words[separator + 2], words[separator + 3]};
    return DeviceNumber.parse(words[NUMBER_WORD])
        .map(
            number ->
                new Mount(
                    number,
                    Path.of(KernelText.unescape(words[POINT_WORD])),
                    rest[0],
                    KernelText.unescape(rest[1]),
                    rest[2]));
  }
}
