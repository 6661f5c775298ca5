// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Snapshot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Live writes that outrun a storage of 300 ms a write, and what is done to them meanwhile. */
@Timeout(120)
class SlowStorageTest {
  /** So large that four buffers are all there are in the memory a snapshot may have. */
  private static final int CHUNK_SHIFT = 26;

  private static final int CHUNK = 1 << CHUNK_SHIFT;
  private static final int CHUNKS = 24;
  private static final int WRITERS = 8;
  private static final long SLOW_MILLIS = 300;

  /** Far less than the 20 s that a stall lasts, and than the 5 s after which a gate gives up. */
  private static final long SOON_MILLIS = 4_000;

  @TempDir Path directory;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger refused = new AtomicInteger();

  /** The device clients are sent to: an engine's own once that is whole. */
  private final AtomicReference<AttachedDevice> served = new AtomicReference<>();

  private EngineSubject subject;
  private Snapshot snapshot;

  @BeforeEach
  void start() throws IOException {
    subject = new EngineSubject(directory.resolve("engine"));
    subject.parameters().set(Parameter.CHUNK_MINIMUM_SHIFT, CHUNK_SHIFT);
    subject.parameters().set(Parameter.CHUNK_MAXIMUM_SHIFT, CHUNK_SHIFT);
    attach((long) CHUNKS * CHUNK);
  }

  private void attach(long bytes) throws IOException {
    Path file = subject.directory().resolve("dev");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(bytes);
      for (int chunk = 0; chunk < CHUNKS; chunk++) {
        sparse.seek((long) chunk * CHUNK);
        sparse.write(chunk + 1);
      }
    }
    subject.service().attach(AttachRequest.of(file).named("dev"));
    served.set(device());
  }

  @AfterEach
  void stop() throws IOException {
    threads.shutdownNow();
    subject.close();
  }

  private AttachedDevice device() {
    return subject.service().device("dev").orElseThrow();
  }

  private void take() throws IOException {
    snapshot = subject.service().create();
    snapshot.addDevice("dev");
    snapshot.appendStorageDirectory(
        Files.createDirectories(directory.resolve("diff")), 2L * CHUNKS * CHUNK);
    snapshot.take();
    subject.plan().slow("DiffStorage.write", SLOW_MILLIS);
  }

  /** Each writes the first byte of its chunks; a refused request is the client's to repeat. */
  private List<Future<?>> writers() {
    List<Future<?>> running = new ArrayList<>();
    for (int writer = 0; writer < WRITERS; writer++) {
      int first = writer;
      running.add(threads.submit(() -> write(first)));
    }
    return running;
  }

  private void write(int first) {
    for (int chunk = first; chunk < CHUNKS; chunk += WRITERS) {
      boolean done = false;
      while (!done) {
        try {
          served.get().write(ByteBuffer.wrap(new byte[512]), (long) chunk * CHUNK);
          done = true;
        } catch (BlksnapException e) {
          if (e.errno() != Errno.ESHUTDOWN) {
            throw new IllegalStateException(e);
          }
          refused.incrementAndGet();
          pause();
        } catch (IOException e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(1);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private void awaitQueued() throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (snapshot.info().get(0).chunks().orElseThrow().queuedChunks() < 4) {
      assertTrue(System.nanoTime() < end, "no chunk is queued");
      Thread.sleep(1);
    }
  }

  private static void end(List<Future<?>> writers) throws Exception {
    for (Future<?> writer : writers) {
      writer.get(60, TimeUnit.SECONDS);
    }
  }

  private void assertImage() throws IOException {
    Snapshot now = subject.service().snapshot(snapshot.id());
    assertEquals(Errno.OK, now.info().get(0).error(), now.info().get(0).toString());
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
      ByteBuffer bytes = ByteBuffer.allocate(2);
      now.images().get(0).read(bytes, (long) chunk * CHUNK);
      assertArrayEquals(new byte[] {(byte) (chunk + 1), 0}, bytes.array(), "chunk " + chunk);
    }
  }

  @Test
  void anUpdateOfTheConductorIsSoonOverAndLosesNeitherImageNorChangeMap() throws Exception {
    CbtInfo before = device().changes().info();
    take();
    List<Future<?>> writers = writers();
    awaitQueued();
    long begun = System.nanoTime();
    subject.restartToSuccessor(() -> {});
    served.set(device());
    long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
    end(writers);
    assertTrue(took < SOON_MILLIS, "the update took " + took + " ms");
    assertEquals(before.generationId(), device().changes().info().generationId());
    assertImage();
  }

  @Test
  void aDestroyLetsTheWritersGoAtOnce() throws Exception {
    take();
    List<Future<?>> writers = writers();
    awaitQueued();
    long begun = System.nanoTime();
    snapshot.destroy();
    end(writers);
    long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
    assertTrue(took < SOON_MILLIS, "destroy and writers took " + took + " ms");
    assertEquals(0, refused.get());
  }

  @Test
  void withoutAnyOfThatTheImageIsRight() throws Exception {
    take();
    end(writers());
    assertImage();
  }

  @Test
  void aTrimOfSpaceNeverWrittenTakesNoStorage() throws Exception {
    subject.service().detach("dev");
    subject.parameters().set(Parameter.CHUNK_MINIMUM_SHIFT, 18);
    int data = 65 << 20;
    byte[] content = new byte[1 << 20];
    new Random(5).nextBytes(content);
    Path file = subject.directory().resolve("thin");
    try (RandomAccessFile thin = new RandomAccessFile(file.toFile(), "rw")) {
      thin.setLength(2L << 30);
      for (int at = 0; at < data; at += content.length) {
        thin.write(content);
      }
    }
    subject.service().attach(AttachRequest.of(file).named("dev"));
    snapshot = subject.service().create();
    snapshot.addDevice("dev");
    Path storage = subject.directory().resolve("storage");
    try (RandomAccessFile room = new RandomAccessFile(storage.toFile(), "rw")) {
      room.setLength(64L << 20);
    }
    snapshot.appendStorage(storage, List.of(new ByteRange(0, 64L << 20)));
    snapshot.take();
    device().discard(data - (20L << 20), 700L << 20);
    snapshot.images().get(0).flush();
    assertEquals(Errno.OK, snapshot.info().get(0).error());
    assertTrue(snapshot.storage().filledBytes() <= 21L << 20, snapshot.storage().toString());
    ByteBuffer piece = ByteBuffer.allocate(content.length);
    for (long at = 0; at < data + (4L << 20); at += content.length) {
      piece.clear();
      snapshot.images().get(0).read(piece, at);
      byte[] wanted = at < data ? content : new byte[content.length];
      assertTrue(Arrays.equals(wanted, piece.array()), "at " + at);
    }
  }
}
