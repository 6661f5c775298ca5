// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.tracker.Tracker;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class HeartbeatTest {
  @TempDir Path directory;

  @Test
  void aMapWhoseFileIsLostBecomesVoidAndTheOthersGoOnBeating() throws Exception {
    TrackerBench bench = new TrackerBench(directory);
    Tracker lost = bench.open();
    List<Tracker> others = new ArrayList<>();
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Path file = Files.createDirectory(directory.resolve("other" + i)).resolve("sdb.cbt");
      files.add(file);
      others.add(bench.openAt(file));
    }
    try (FileChannel file = FileChannel.open(bench.file, StandardOpenOption.WRITE)) {
      file.truncate(0);
    }
    while (!isVoid(lost)) {
      Thread.sleep(2);
    }
    long now = bench.clock.addAndGet(1_000_000);
    for (int i = 0; i < files.size(); i++) {
      while (heartbeat(files.get(i)) != now) {
        Thread.sleep(2);
      }
      assertEquals(0, others.get(i).info().changesNumber(), "still sound");
      others.get(i).handOver();
    }
    lost.handOver();
    bench.close();
  }

  private static boolean isVoid(Tracker tracker) throws Exception {
    try {
      tracker.info();
      return false;
    } catch (BlksnapException e) {
      assertEquals(Errno.EFAULT, e.errno());
      return true;
    }
  }

  private static long heartbeat(Path file) throws Exception {
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      channel.read(word, MapLayout.HEARTBEAT);
      return word.getLong(0);
    }
  }
}
