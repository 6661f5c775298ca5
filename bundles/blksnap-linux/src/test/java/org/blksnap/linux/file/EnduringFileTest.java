// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.file.EnduringFile.End;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EnduringFileTest {
  private static final int SIZE = 100_000;
  private static final byte FILL = 0x5a;

  @TempDir Path directory;
  private Path path;
  private EnduringFile file;

  @BeforeEach
  void open() throws Exception {
    byte[] content = new byte[SIZE];
    Arrays.fill(content, FILL);
    path = Files.write(directory.resolve("file"), content);
    file = open(End.BYTE);
  }

  private EnduringFile open(End end) throws IOException {
    HeldFile held = new HeldFile(path, FileIdentity.of(path), null, "");
    return new EnduringFile(path, () -> held.openChannel(true), end, Errno.ESTALE);
  }

  @AfterEach
  void close() throws IOException {
    file.close();
  }

  private static Errno errno(IOException failure) {
    return BlksnapException.errnoOf(failure);
  }

  @Test
  void anInterruptedThreadIsServedAndStaysInterrupted() throws Exception {
    Thread.currentThread().interrupt();
    file.write(ByteBuffer.allocate(8).putLong(0, 42), 512);
    ByteBuffer read = ByteBuffer.allocate(8);
    file.read(read, 512);
    file.force();
    assertEquals(SIZE, file.size());
    assertTrue(Thread.interrupted());
    assertEquals(42, read.getLong(0));
    assertEquals(0, file.replaced());
  }

  @Test
  void interruptsInTheMiddleFailNobodysRequest() throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicBoolean stop = new AtomicBoolean();
    Thread victim = new Thread(() -> work(0, stop, failure));
    Thread bystander = new Thread(() -> work(SIZE / 2, stop, failure));
    victim.start();
    bystander.start();
    while (file.replaced() < 20 && failure.get() == null) {
      victim.interrupt();
      Thread.onSpinWait();
    }
    stop.set(true);
    victim.join();
    bystander.join();
    assertNull(failure.get(), () -> String.valueOf(failure.get()));
  }

  /** Writes and reads back until stopped; an interrupt is put aside. */
  private void work(long at, AtomicBoolean stop, AtomicReference<Throwable> failure) {
    ByteBuffer out = ByteBuffer.allocateDirect(SIZE / 2);
    ByteBuffer in = ByteBuffer.allocateDirect(SIZE / 2);
    try {
      for (long round = 0; !stop.get(); round++) {
        file.write(out.clear().putLong(0, round), at);
        file.read(in.clear(), at);
        assertEquals(round, in.getLong(0));
        Thread.interrupted();
      }
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  @Test
  void anotherFileInItsPlaceIsNeverWrittenTo() throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread worker = new Thread(() -> work(0, new AtomicBoolean(), failure));
    Files.delete(path);
    Files.write(path, new byte[SIZE]);
    worker.start();
    while (failure.get() == null) {
      worker.interrupt();
      Thread.onSpinWait();
    }
    worker.join();
    assertEquals(Errno.ESTALE, BlksnapException.errnoOf(failure.get()));
    assertArrayEquals(new byte[SIZE], Files.readAllBytes(path));
  }

  @Test
  void behindTheLastByteIsEIO() {
    IOException read =
        assertThrows(IOException.class, () -> file.read(ByteBuffer.allocate(100), SIZE - 50));
    assertEquals(Errno.EIO, errno(read));
    assertTrue(read.getMessage().contains(path + " ended at " + SIZE), read.getMessage());
    IOException sent =
        assertThrows(
            IOException.class,
            () ->
                file.transferTo(SIZE - 50, 100, Channels.newChannel(new ByteArrayOutputStream())));
    assertEquals(Errno.EIO, errno(sent));
  }

  @Test
  void whereTheSectorCountsItsRestReadsAsZeroes() throws Exception {
    EnduringFile device = open(End.SECTOR);
    long whole = LastSector.wholeBytes(SIZE);
    ByteBuffer in = ByteBuffer.allocate((int) whole);
    device.read(in, 0);
    assertEquals(FILL, in.get(SIZE - 1));
    assertEquals(0, in.get(SIZE));
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    device.transferTo(0, whole, Channels.newChannel(sent));
    assertArrayEquals(in.array(), sent.toByteArray());
    assertEquals(
        Errno.EIO,
        errno(assertThrows(IOException.class, () -> device.read(ByteBuffer.allocate(1), whole))));
    device.close();
  }

  @Test
  void aTargetThatTakesNothingForAMomentIsWaitedFor() throws Exception {
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    file.transferTo(0, SIZE, new Reluctant(got));
    assertEquals(SIZE, got.size());
  }

  @Test
  void aClosedTargetIsSaidAsSuch() throws Exception {
    WritableByteChannel target = Channels.newChannel(new ByteArrayOutputStream());
    target.close();
    assertThrows(ClosedChannelException.class, () -> file.transferTo(0, 10, target));
  }

  @Test
  void onceClosedEverythingHasTheAnswerGiven() throws Exception {
    file.close();
    file.close();
    assertEquals(
        Errno.ESTALE,
        errno(assertThrows(IOException.class, () -> file.read(ByteBuffer.allocate(1), 0))));
    assertEquals(Errno.ESTALE, errno(assertThrows(IOException.class, file::force)));
  }

  /** Takes a thousand bytes, then nothing once, and so on. */
  private static final class Reluctant implements WritableByteChannel {
    private final ByteArrayOutputStream got;
    private boolean busy;

    Reluctant(ByteArrayOutputStream got) {
      this.got = got;
    }

    @Override
    public int write(ByteBuffer src) {
      busy = !busy;
      byte[] bytes = new byte[busy ? 0 : Math.min(1000, src.remaining())];
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
