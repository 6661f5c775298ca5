// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.linux.file.EnduringFile;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A file that loses its name under an attached device: noticed, and still the same file. */
@Timeout(60)
class PathWatchTest {
  private static final int MIB = 1 << 20;

  @TempDir Path directory;
  private final ToolHost host = new ToolHost();
  private final LocalDeviceProvider provider =
      new LocalDeviceProvider(Surroundings.of(Path.of("/sys"), Path.of("/proc")), host);
  private Path path;
  private Path moved;
  private RawDevice device;

  @BeforeEach
  void attach() throws Exception {
    path = Files.write(directory.resolve("disk"), new byte[MIB]);
    moved = directory.resolve("moved");
    device = provider.open(new OpenRequest(path, false, false));
  }

  @AfterEach
  void closeAll() {
    provider.close();
    assertEquals(0, host.openFiles.get(), "host files left open");
  }

  private Finding finding() {
    return provider.examine().get(0);
  }

  private void assertStrayed(String word) {
    Finding found = finding();
    assertEquals(Severity.ERROR, found.severity());
    assertTrue(found.observation().contains(word), found.observation());
    assertTrue(found.subject().contains(path.toString()), found.subject());
  }

  @Test
  void aRenamedFileIsAnErrorUntilItIsBack() throws Exception {
    assertEquals(Severity.OK, finding().severity());
    Files.move(path, moved);
    assertStrayed("nothing is there");
    Files.move(moved, path);
    assertEquals(Severity.OK, finding().severity());
  }

  @Test
  void aReplacedFileIsAnError() throws Exception {
    Files.write(moved, new byte[MIB]);
    Files.move(moved, path, StandardCopyOption.REPLACE_EXISTING);
    assertStrayed("another file");
  }

  @Test
  void aLinkThatLeadsElsewhereIsAnError() throws Exception {
    device.close();
    Path link = Files.createSymbolicLink(directory.resolve("link"), path);
    device = provider.open(new OpenRequest(link, false, false));
    Path other = Files.write(moved, new byte[MIB]);
    Files.delete(link);
    Files.createSymbolicLink(link, other);
    assertEquals(Severity.ERROR, finding().severity());
  }

  /** Every way to the file: the channel after an interrupt, the host, a new host. */
  @Test
  void whateverIsOpenedAgainIsTheFileThatWasAttached() throws Exception {
    Files.move(path, moved);
    Files.write(path, new byte[2 * MIB]);
    write(4096, 7);
    interruptReads();
    provider.host = new ToolHost();
    device.discard(8192, 4096);
    write(12288, 9);
    device.flush();
    byte[] content = Files.readAllBytes(moved);
    assertEquals(7, content[4096]);
    assertEquals(9, content[12288]);
    assertEquals(2 * MIB, Files.size(path));
    for (byte other : Files.readAllBytes(path)) {
      assertEquals(0, other);
    }
    device.refresh();
    assertEquals(MIB, device.geometry().capacity());
  }

  @Test
  void anUnlinkedFileIsServedOnAfterAnInterrupt() throws Exception {
    write(4096, 7);
    Files.delete(path);
    interruptReads();
    ByteBuffer got = ByteBuffer.allocate(1);
    device.read(got, 4096);
    assertEquals(7, got.get(0));
    assertStrayed("nothing is there");
  }

  /** Without a host a file is opened again by path, and never another one in its place. */
  @Test
  void aHostThatComesLateGetsNoOtherFile() throws Exception {
    device.close();
    provider.host = null;
    device = provider.open(new OpenRequest(path, false, false));
    Files.move(path, moved);
    Files.write(path, new byte[MIB]);
    provider.host = host;
    IOException refused = assertThrows(IOException.class, () -> device.discard(0, 4096));
    assertEquals(Errno.ESTALE, BlksnapException.errnoOf(refused));
  }

  private void write(long offset, int value) throws IOException {
    device.write(ByteBuffer.allocate(512).put(0, (byte) value), offset);
  }

  /** Reads until an interrupt in the middle of one has closed the channel some times. */
  private void interruptReads() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread reader =
        new Thread(
            () -> {
              ByteBuffer all = ByteBuffer.allocateDirect(MIB);
              try {
                while (!stop.get()) {
                  device.read(all.clear(), 0);
                }
              } catch (Throwable e) {
                failure.set(e);
              }
            });
    EnduringFile channel = ((OpenDevice) device).channel;
    reader.start();
    long before = channel.replaced();
    while (channel.replaced() < before + 3 && failure.get() == null) {
      reader.interrupt();
      Thread.onSpinWait();
    }
    stop.set(true);
    reader.join();
    assertEquals(null, failure.get());
  }
}
