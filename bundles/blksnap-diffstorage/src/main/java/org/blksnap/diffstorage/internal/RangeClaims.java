// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.file.FileIdentity;

/**
 * Which pool holds which ranges, so that nothing is stored twice in one place: neither within a
 * pool nor by two of them. One for all pools of a provider. Any thread.
 */
final class RangeClaims {
  private record Claim(UUID holder, ByteRange range) {}

  @GuardedBy("this")
  private final Map<FileIdentity, List<Claim>> claims = new HashMap<>();

  /** All of the ranges or none; EINVAL where one overlaps with what was given before. */
  synchronized void claim(UUID holder, FileIdentity key, Path path, List<ByteRange> ranges)
      throws BlksnapException {
    List<Claim> before = claims.getOrDefault(key, List.of());
    List<Claim> wanted = ranges.stream().map(range -> new Claim(holder, range)).toList();
    for (int i = 0; i < wanted.size(); i++) {
      ByteRange range = wanted.get(i).range();
      Stream<Claim> others = Stream.concat(before.stream(), wanted.subList(0, i).stream());
      Claim hit = others.filter(other -> other.range().overlaps(range)).findFirst().orElse(null);
      if (hit != null) {
        throw new BlksnapException(
            Errno.EINVAL,
            path
                + ": bytes "
                + range.offset()
                + " to "
                + range.end()
                + " refused: bytes "
                + hit.range().offset()
                + " to "
                + hit.range().end()
                + " were given before to snapshot "
                + hit.holder()
                + "; give each range once");
      }
    }
    claims.put(key, Stream.concat(before.stream(), wanted.stream()).toList());
  }

  /** Gives back what was claimed. */
  synchronized void release(UUID holder, FileIdentity key, List<ByteRange> ranges) {
    claims.computeIfPresent(
        key,
        (same, held) -> {
          List<Claim> left =
              held.stream()
                  .filter(c -> !(c.holder().equals(holder) && ranges.contains(c.range())))
                  .toList();
          return left.isEmpty() ? null : left;
        });
  }

  /** Gives back all a pool holds. */
  synchronized void release(UUID holder) {
    claims.replaceAll(
        (key, held) -> held.stream().filter(c -> !c.holder().equals(holder)).toList());
    claims.values().removeIf(List::isEmpty);
  }
}
