// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.spi.tracker.Evidence;
import org.blksnap.spi.tracker.Tracker;
import org.blksnap.spi.tracker.TrackerRequest;

/** A provider, a clock and a request whose parts a test changes. */
final class TrackerBench {
  static final long SEED = Long.getLong("seed", System.nanoTime());

  final Path file;
  final AtomicLong clock = new AtomicLong(1_000_000_000_000L);
  final MappedTrackerProvider provider = new MappedTrackerProvider(clock::get);
  long capacity = 64 * 4096;
  BlockSizeRule rule = new BlockSizeRule(12, 1 << 21, 26);
  boolean durable;
  String identity = "file:1:2";
  String fingerprint = "f1";
  Evidence evidence = Evidence.of("f1");
  String bootId = "boot-1";
  boolean adopt;

  TrackerBench(Path directory) {
    file = directory.resolve("sda.cbt");
  }

  Tracker open() throws BlksnapException {
    return openAt(file);
  }

  Tracker openAt(Path file) throws BlksnapException {
    return provider.open(
        new TrackerRequest(
            "sda", file, capacity, rule, durable, identity, fingerprint, evidence, bootId, adopt));
  }

  /** A file as a killed process leaves it: nothing was closed, all stores are there. */
  TrackerBench killed() {
    try {
      Path copy = file.resolveSibling("killed-" + System.nanoTime()).resolve("sda.cbt");
      Files.createDirectory(copy.getParent());
      Files.copy(file, copy);
      TrackerBench after = new TrackerBench(copy.getParent());
      after.clock.set(clock.get());
      after.capacity = capacity;
      after.rule = rule;
      after.durable = durable;
      return after;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void take(Tracker tracker, long capacity) throws BlksnapException {
    tracker.prepareTake(capacity).commit();
  }

  static int[] bytes(ChangeMap map) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(map.info().blockCount());
    map.read(0, dst);
    int[] values = new int[dst.position()];
    for (int i = 0; i < values.length; i++) {
      values[i] = Byte.toUnsignedInt(dst.get(i));
    }
    return values;
  }
}
