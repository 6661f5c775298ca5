// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.StorageGrant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * R5: one moment for all devices. Chains of writes run over all devices, each write begun when the
 * one before it has returned; so a set of images may show a chain's first n writes and no others.
 */
class ConcurrentTakesTest {
  private static final int DEVICES = 8;
  private static final int CHAINS = 4;
  private static final int TAKES = Integer.getInteger("takes", 40);

  /** Each chain has a block of its own on each device; far from each other, and from the noise. */
  private static final int CHAIN_STRIDE = 64 << 10;

  private static final int NOISE = CHAINS * CHAIN_STRIDE;
  private static final int CAPACITY = NOISE + (1 << 20);

  @TempDir Path directory;
  private final AtomicBoolean stop = new AtomicBoolean();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final List<AttachedDevice> devices = new ArrayList<>();

  /** Writes 1, 2, 3 … in turn to the devices; two threads take turns, so it changes threads. */
  private final class Chain {
    private final int number;

    @GuardedBy("this")
    private long last;

    Chain(int number) {
      this.number = number;
    }

    synchronized void next() throws IOException {
      ByteBuffer value = ByteBuffer.allocate(Long.BYTES).putLong(0, last + 1);
      devices.get(deviceOf(last + 1)).write(value, (long) number * CHAIN_STRIDE);
      last++;
    }

    /** Not the devices in their order, which is the order gates close in. */
    int deviceOf(long value) {
      return (int) (value * 5 + number) % DEVICES;
    }

    void check(List<? extends BlockDevice> images, int take) throws IOException {
      long[] shown = new long[DEVICES];
      long newest = 0;
      for (int i = 0; i < DEVICES; i++) {
        ByteBuffer value = ByteBuffer.allocate(Long.BYTES);
        images.get(i).read(value, (long) number * CHAIN_STRIDE);
        shown[i] = value.getLong(0);
        newest = Math.max(newest, shown[i]);
      }
      for (long value = Math.max(1, newest - DEVICES + 1); value <= newest; value++) {
        assertEquals(
            value,
            shown[deviceOf(value)],
            "take " + take + " chain " + number + " shows " + newest + " without " + value);
      }
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private Thread repeat(String name, Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                while (!stop.get()) {
                  work.run();
                }
              } catch (Throwable e) {
                failure.compareAndSet(null, e);
              }
            },
            name);
    thread.start();
    return thread;
  }

  @Test
  void noImageSetShowsALaterWriteWithoutAnEarlierOne() throws Exception {
    try (EngineSubject subject = new EngineSubject(directory.resolve("engine"))) {
      subject.parameters().set(Parameter.CHUNK_MINIMUM_SHIFT, 14);
      for (int i = 0; i < DEVICES; i++) {
        Path file = subject.directory().resolve("dev" + i);
        Files.write(file, new byte[CAPACITY]);
        devices.add(subject.service().attach(AttachRequest.of(file).named("dev" + i)));
      }
      List<Chain> chains = new ArrayList<>();
      List<Thread> threads = new ArrayList<>();
      for (int c = 0; c < CHAINS; c++) {
        Chain chain = new Chain(c);
        chains.add(chain);
        threads.add(repeat("chain-" + c + "a", chain::next));
        threads.add(repeat("chain-" + c + "b", chain::next));
      }
      threads.add(repeat("noise", noise(new Random(17))));
      try {
        for (int take = 0; take < TAKES && failure.get() == null; take++) {
          takeAndCheck(subject, chains, take);
        }
      } finally {
        stop.set(true);
        for (Thread thread : threads) {
          thread.join();
        }
      }
      if (failure.get() != null) {
        throw new AssertionError("a live write failed", failure.get());
      }
      for (Chain chain : chains) {
        chain.check(devices, -1);
      }
    }
  }

  private Work noise(Random random) {
    return () -> {
      byte[] data = new byte[4096 + random.nextInt(60_000)];
      random.nextBytes(data);
      int offset = NOISE + random.nextInt(CAPACITY - NOISE - data.length);
      devices.get(random.nextInt(DEVICES)).write(ByteBuffer.wrap(data), offset);
    };
  }

  private void takeAndCheck(EngineSubject subject, List<Chain> chains, int take)
      throws IOException {
    Path storage = Files.createDirectories(subject.directory().resolve("storage"));
    SnapshotRequest request =
        SnapshotRequest.of(devices.stream().map(AttachedDevice::name).toList())
            .on(StorageGrant.directory(storage, 1L << 30));
    try (SnapshotLease lease = subject.service().take(request)) {
      List<SnapshotImage> images = lease.snapshot().images();
      assertEquals(DEVICES, images.size());
      List<byte[]> first = new ArrayList<>();
      for (SnapshotImage image : images) {
        first.add(contentOf(image));
      }
      for (Chain chain : chains) {
        chain.check(images, take);
      }
      for (int i = 0; i < DEVICES; i++) {
        assertTrue(
            java.util.Arrays.equals(first.get(i), contentOf(images.get(i))),
            "take " + take + ": image of dev" + i + " changes");
      }
    }
  }

  private static byte[] contentOf(SnapshotImage image) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(CAPACITY);
    image.read(bytes, 0);
    return bytes.array();
  }
}
