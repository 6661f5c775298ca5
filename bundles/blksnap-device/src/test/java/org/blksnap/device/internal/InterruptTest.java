// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An interrupt of one thread takes the device away from nobody. */
@Timeout(60)
class InterruptTest {
  private static final int MIB = 1 << 20;
  private static final int INTERRUPTS = 100;

  @TempDir Path directory;
  private LocalDeviceProvider provider;
  private RawDevice device;

  @BeforeEach
  void open() throws Exception {
    provider = new LocalDeviceProvider(Surroundings.of(Path.of("/sys"), Path.of("/proc")), null);
    Path path = Files.write(directory.resolve("disk"), new byte[8 * MIB]);
    device = provider.open(new OpenRequest(path, false, false));
  }

  @AfterEach
  void close() {
    provider.close();
  }

  @Test
  void threadInterruptedBeforehandReadsWritesAndStaysInterrupted() throws Exception {
    Thread.currentThread().interrupt();
    device.write(ByteBuffer.allocateDirect(4096).putLong(0, 42), 0);
    assertTrue(Thread.interrupted());
    Thread.currentThread().interrupt();
    ByteBuffer in = ByteBuffer.allocateDirect(4096);
    device.read(in, 0);
    device.flush();
    device.refresh();
    device.fingerprint();
    device.transferTo(0, 4096, Channels.newChannel(new ByteArrayOutputStream()));
    assertTrue(Thread.interrupted());
    assertEquals(42, in.getLong(0));
  }

  @Test
  void interruptsInTheMiddleNeitherFailNorSpoilAnyRequest() throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicBoolean stop = new AtomicBoolean();
    AtomicLong bystanderRounds = new AtomicLong();
    AtomicLong seen = new AtomicLong();
    Thread victim = new Thread(() -> work(0, stop, failure, new AtomicLong(), seen));
    Thread bystander =
        new Thread(() -> work(4 * MIB, stop, failure, bystanderRounds, new AtomicLong()));
    victim.start();
    bystander.start();
    for (int i = 0; i < INTERRUPTS && failure.get() == null; i++) {
      long before = seen.get();
      victim.interrupt();
      while (seen.get() == before && failure.get() == null) {
        Thread.onSpinWait();
      }
    }
    stop.set(true);
    victim.join();
    bystander.join();
    assertNull(failure.get(), () -> String.valueOf(failure.get()));
    assertTrue(bystanderRounds.get() > 0);
  }

  /** Writes and reads back its own half until stopped; counts interrupts, which must arrive. */
  private void work(
      long base,
      AtomicBoolean stop,
      AtomicReference<Throwable> failure,
      AtomicLong rounds,
      AtomicLong interrupts) {
    ByteBuffer out = ByteBuffer.allocateDirect(MIB);
    ByteBuffer in = ByteBuffer.allocateDirect(MIB);
    try {
      for (long round = 0; !stop.get(); round++) {
        long offset = base + round % 3 * MIB;
        out.clear().putLong(0, round).putLong(MIB - 8, ~round);
        device.write(out, offset);
        device.read(in.clear(), offset);
        assertEquals(round, in.getLong(0));
        assertEquals(~round, in.getLong(MIB - 8));
        rounds.incrementAndGet();
        if (Thread.interrupted()) {
          interrupts.incrementAndGet();
        }
      }
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  @Test
  void replacedFileIsNotTakenForTheOldOne() throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread reader =
        new Thread(() -> work(0, new AtomicBoolean(), failure, new AtomicLong(), new AtomicLong()));
    reader.start();
    Files.delete(device.path());
    Files.write(device.path(), new byte[8 * MIB]);
    while (failure.get() == null) {
      reader.interrupt();
      Thread.onSpinWait();
    }
    reader.join();
    assertEquals(Errno.ESTALE, BlksnapException.errnoOf(failure.get()));
  }
}
