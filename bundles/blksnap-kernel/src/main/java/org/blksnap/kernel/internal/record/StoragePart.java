// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.record;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.blksnap.api.block.ByteRange;

/**
 * Something given to the storage of a snapshot.
 *
 * @param given what a person, or a directory that grows, gave: a block device or a file
 * @param device the block device that the ranges lie on; its number
 * @param ranges bytes of it
 * @param lent a file of ours, to be removed at the end; false for what a person gave
 * @param lentFile a regular file whose blocks are lent, ours or a person's: nobody may move them
 */
public record StoragePart(
    Path given, String device, List<ByteRange> ranges, boolean lent, boolean lentFile) {
  public StoragePart {
    ranges = List.copyOf(ranges);
  }

  public long bytes() {
    return ranges.stream().mapToLong(ByteRange::length).sum();
  }

  static void put(Map<String, String> values, String prefix, StoragePart part) {
    values.put(prefix + "given", part.given.toString());
    values.put(prefix + "device", part.device);
    values.put(prefix + "lent", Boolean.toString(part.lent));
    values.put(prefix + "lent_file", Boolean.toString(part.lentFile));
    StringBuilder text = new StringBuilder();
    for (ByteRange range : part.ranges) {
      text.append(text.isEmpty() ? "" : " ").append(range.offset()).append('+');
      text.append(range.length());
    }
    values.put(prefix + "ranges", text.toString());
  }

  static StoragePart in(Map<String, String> values, String prefix) {
    List<ByteRange> ranges = new ArrayList<>();
    for (String word : values.get(prefix + "ranges").split(" ")) {
      if (!word.isEmpty()) {
        int plus = word.indexOf('+');
        ranges.add(
            new ByteRange(
                Long.parseLong(word.substring(0, plus)), Long.parseLong(word.substring(plus + 1))));
      }
    }
    return new StoragePart(
        Path.of(values.get(prefix + "given")),
        values.get(prefix + "device"),
        ranges,
        Boolean.parseBoolean(values.get(prefix + "lent")),
        Boolean.parseBoolean(values.get(prefix + "lent_file")));
  }
}
