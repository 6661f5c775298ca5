// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.storage.DiffStorage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reading and writing through a pool of one file. */
class OpenFileTest {
  private static final int SIZE = 65_536;

  @TempDir Path directory;
  private PoolFixture fixture;
  private Path file;
  private DiffStorage pool;

  @BeforeEach
  void open() throws IOException {
    fixture = new PoolFixture(directory);
    pool = fixture.create();
    file = fixture.file("f", 2 * SIZE);
    fixture.append(pool, file, new ByteRange(SIZE, SIZE));
    pool.allocate(SIZE);
  }

  @AfterEach
  void delete() {
    pool.delete();
  }

  @Test
  void anInterruptedThreadIsServedAndStaysInterrupted() throws IOException {
    Thread.currentThread().interrupt();
    pool.write(0, PoolFixture.pattern(4096, 1));
    assertTrue(Thread.interrupted());
    Thread.currentThread().interrupt();
    ByteBuffer read = PoolFixture.read(pool, 0, 4096);
    assertTrue(Thread.interrupted());
    assertEquals(PoolFixture.pattern(4096, 1), read);
  }

  @Test
  void interruptsOfOneThreadFailNobodysRequest() throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicBoolean stop = new AtomicBoolean();
    List<Thread> workers = new ArrayList<>();
    for (int w = 0; w < 3; w++) {
      int at = w * 16_384;
      int seed = w;
      Thread worker =
          new Thread(
              () -> {
                try {
                  for (int i = 0; !stop.get(); i++) {
                    pool.write(at, PoolFixture.pattern(16_384, seed + i));
                    assertEquals(
                        PoolFixture.pattern(16_384, seed + i), PoolFixture.read(pool, at, 16_384));
                  }
                } catch (Throwable e) {
                  failure.compareAndSet(null, e);
                }
              });
      worker.start();
      workers.add(worker);
    }
    for (int i = 0; i < 2000; i++) {
      workers.get(0).interrupt();
      java.util.concurrent.locks.LockSupport.parkNanos(1000);
    }
    stop.set(true);
    for (Thread worker : workers) {
      worker.join();
    }
    assertEquals(null, failure.get());
  }

  @Test
  void anInterruptedThreadForcesToDiskAndStaysInterrupted() throws IOException {
    pool.write(0, PoolFixture.pattern(4096, 1));
    Thread.currentThread().interrupt();
    pool.flush();
    assertTrue(Thread.interrupted());
  }

  @Test
  void aClosedPoolForcesNothing() {
    pool.close();
    BlksnapException e = assertThrows(BlksnapException.class, pool::flush);
    assertEquals(Errno.ESTALE, e.errno());
  }

  @Test
  void aFlushOfAnInterruptedThreadIsDoneAndLeavesItInterrupted() throws IOException {
    Thread.currentThread().interrupt();
    pool.flush();
    assertTrue(Thread.interrupted());
    pool.write(0, PoolFixture.pattern(4096, 1));
  }

  @Test
  void interruptsInTheMiddleOfFlushesFailNone() throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicBoolean stop = new AtomicBoolean();
    AtomicLong done = new AtomicLong();
    Runnable flushes =
        () -> {
          try {
            while (!stop.get()) {
              pool.flush();
              Thread.interrupted();
              done.incrementAndGet();
            }
          } catch (Throwable e) {
            failure.compareAndSet(null, e);
          }
        };
    List<Thread> workers = List.of(new Thread(flushes), new Thread(flushes));
    workers.forEach(Thread::start);
    for (int i = 0; i < 200; i++) {
      workers.get(0).interrupt();
      long before = done.get();
      while (done.get() == before && failure.get() == null) {
        Thread.onSpinWait();
      }
    }
    stop.set(true);
    for (Thread worker : workers) {
      worker.join();
    }
    assertEquals(null, failure.get());
  }

  /** Without a host it is opened again by path, and never another file in its place. */
  @Test
  void aReplacedFileIsNotTakenForTheOldOne() throws Exception {
    Files.delete(file);
    Path other = fixture.file("f", 2 * SIZE);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread worker =
        new Thread(
            () -> {
              try {
                while (true) {
                  pool.write(0, PoolFixture.pattern(16_384, 1));
                }
              } catch (Throwable e) {
                failure.set(e);
              }
            });
    worker.start();
    while (failure.get() == null) {
      worker.interrupt();
      Thread.onSpinWait();
    }
    worker.join();
    assertEquals(Errno.ESTALE, BlksnapException.errnoOf(failure.get()), () -> "" + failure.get());
    for (byte content : Files.readAllBytes(other)) {
      assertEquals(0, content);
    }
  }

  /** As a second engine has it, attached or as storage. */
  @Test
  void aFileAnotherProcessWritesToIsRefused() throws Exception {
    Path used = fixture.file("used", SIZE);
    Process other =
        new ProcessBuilder("bash", "-c", "exec 9<>\"$0\"; echo; read -r", used.toString()).start();
    try {
      assertEquals('\n', other.getInputStream().read());
      BlksnapException busy =
          assertThrows(BlksnapException.class, () -> fixture.append(pool, used));
      assertEquals(Errno.EBUSY, busy.errno());
      assertTrue(busy.getMessage().contains("process " + other.pid()), busy.getMessage());
    } finally {
      other.destroy();
      other.waitFor();
    }
    fixture.append(pool, used);
  }

  @Test
  void transferSendsTheRange() throws IOException {
    pool.write(512, PoolFixture.pattern(10_000, 2));
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    pool.transferTo(512, 10_000, Channels.newChannel(got));
    assertEquals(PoolFixture.pattern(10_000, 2), ByteBuffer.wrap(got.toByteArray()));
  }

  @Test
  void transferOfAnInterruptedThreadSendsTheRange() throws IOException {
    pool.write(0, PoolFixture.pattern(4096, 2));
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    Thread.currentThread().interrupt();
    pool.transferTo(0, 4096, new PlainChannel(got));
    assertTrue(Thread.interrupted());
    assertEquals(PoolFixture.pattern(4096, 2), ByteBuffer.wrap(got.toByteArray()));
  }

  @Test
  void dataLandsInTheRangeGiven() throws IOException {
    pool.write(0, PoolFixture.pattern(512, 4));
    try (var channel = java.nio.channels.FileChannel.open(file)) {
      ByteBuffer bytes = ByteBuffer.allocateDirect(512);
      channel.read(bytes, SIZE);
      assertEquals(PoolFixture.pattern(512, 4), bytes.flip());
    }
  }

  @Test
  void aFileCutShortIsEIOWithPathAndOffset() throws IOException {
    fixture.file("f", SIZE + 1000);
    BlksnapException read =
        assertThrows(BlksnapException.class, () -> PoolFixture.read(pool, 512, 4096));
    assertEquals(Errno.EIO, read.errno());
    assertTrue(read.getMessage().contains(file.toString()), read.getMessage());
    assertTrue(read.getMessage().contains(String.valueOf(SIZE + 1000)), read.getMessage());
    BlksnapException sent =
        assertThrows(
            BlksnapException.class,
            () -> pool.transferTo(512, 4096, new PlainChannel(new ByteArrayOutputStream())));
    assertEquals(Errno.EIO, sent.errno());
  }

  @Test
  void memoryIsSentToo() throws IOException {
    pool.appendMemory(4096);
    long address = pool.allocate(4096);
    pool.write(address, PoolFixture.pattern(4096, 8));
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    pool.transferTo(address + 1024, 2048, Channels.newChannel(got));
    ByteBuffer expected = PoolFixture.pattern(4096, 8).slice(1024, 2048);
    assertEquals(expected, ByteBuffer.wrap(got.toByteArray()));
  }

  @Test
  void aBufferIsConsumedWholly() throws IOException {
    ByteBuffer part = PoolFixture.pattern(4096, 1).position(100).limit(612);
    pool.write(0, part);
    assertFalse(part.hasRemaining());
    assertEquals(612, part.position());
  }

  /** Takes at most a thousand bytes at a time, and does not mind interrupts. */
  private record PlainChannel(ByteArrayOutputStream got)
      implements java.nio.channels.WritableByteChannel {
    @Override
    public int write(ByteBuffer src) {
      byte[] bytes = new byte[Math.min(1000, src.remaining())];
      src.get(bytes);
      got.writeBytes(bytes);
      return bytes.length;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
