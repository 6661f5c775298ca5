// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.contract.LoopDevice;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who else uses a file is seen, with a host and without. */
@Timeout(60)
class OtherUsersTest {
  private static final int MIB = 1 << 20;

  @TempDir Path directory;
  private final ToolHost host = new ToolHost();
  private LocalDeviceProvider provider;
  private Path path;

  @BeforeEach
  void makeFile() throws Exception {
    path = Files.write(directory.resolve("disk"), new byte[MIB]);
    with(host);
  }

  private void with(HostOperations present) {
    provider = new LocalDeviceProvider(Surroundings.of(Path.of("/sys"), Path.of("/proc")), present);
  }

  @AfterEach
  void closeAll() {
    provider.close();
    assertEquals(0, host.openFiles.get(), "host files left open");
  }

  private RawDevice open(boolean readOnly, boolean force) throws BlksnapException {
    return provider.open(new OpenRequest(path, readOnly, force));
  }

  private void refused(boolean readOnly, long pid) {
    BlksnapException busy = assertThrows(BlksnapException.class, () -> open(readOnly, false));
    assertEquals(Errno.EBUSY, busy.errno());
    assertTrue(busy.getMessage().contains("process " + pid + " bash"), busy.getMessage());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aFileAnotherProcessWritesToIsRefusedUnlessForced(boolean withHost) throws Exception {
    with(withHost ? host : null);
    try (Bystander writer = new Bystander(path, "<>", "true")) {
      refused(false, writer.pid());
      refused(true, writer.pid());
      open(false, true).close();
      open(true, true).close();
    }
    open(false, false).close();
  }

  @Test
  void aFileAnotherProcessHasMappedForWritingIsRefused() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "SKIPPED: seen by root alone");
    Process writer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                MappedBystander.class.getName(),
                path.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      byte[] said = writer.getInputStream().readNBytes("ready".length());
      assertEquals("ready", new String(said, StandardCharsets.US_ASCII));
      BlksnapException busy = assertThrows(BlksnapException.class, () -> open(false, false));
      assertEquals(Errno.EBUSY, busy.errno());
      assertTrue(busy.getMessage().contains("process " + writer.pid()), busy.getMessage());
      open(false, true).close();
    } finally {
      writer.getOutputStream().close();
      writer.waitFor();
    }
    open(false, false).close();
    assertEquals(7, Files.readAllBytes(path)[0]);
  }

  @Test
  void aHardLinkIsTheSameFile() throws Exception {
    Path other = Files.createLink(directory.resolve("other"), path);
    try (Bystander writer = new Bystander(other, ">>", "true")) {
      refused(false, writer.pid());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aReaderIsNotInTheWay(boolean withHost) throws Exception {
    with(withHost ? host : null);
    try (Bystander reader = new Bystander(path, "<", "true")) {
      assertTrue(reader.pid() > 0);
      open(false, false).close();
      open(true, false).close();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aReadersLockKeepsWritersAwayAndNoReaders(boolean withHost) throws Exception {
    with(withHost ? host : null);
    try (Bystander reader = new Bystander(path, "<", "flock -s 9")) {
      refused(false, reader.pid());
      open(true, false).close();
    }
  }

  @Test
  void aLockOfTheWholeFileKeepsEverybodyAway() throws Exception {
    try (Bystander holder = new Bystander(path, "<", "flock -x 9")) {
      refused(false, holder.pid());
      refused(true, holder.pid());
    }
  }

  @Test
  void anAttachedFileIsLockedForOthers() throws Exception {
    try (RawDevice device = open(false, false)) {
      assertEquals(MIB, device.geometry().capacity());
      try (Bystander late = new Bystander(path, "<", "! flock -n -s 9")) {
        assertTrue(late.pid() > 0);
      }
      try (HostFile other = host.open(path, true, false)) {
        assertFalse(other.lock(101, 1, true), "QEMU's byte: somebody writes");
        assertFalse(other.lock(201, 1, true), "QEMU's byte: nobody else may write");
        assertTrue(other.lock(101, 1, false));
      }
    }
    LoopDevice.run("flock", "-n", path.toString(), "true");
  }

  @Test
  void attachedForReadingItKeepsWritersAwayAndNoReaders() throws Exception {
    try (RawDevice device = open(true, false)) {
      assertTrue(device.geometry().readOnly());
      LoopDevice.run("flock", "-n", "-s", path.toString(), "true");
      try (HostFile other = host.open(path, true, false)) {
        assertFalse(other.lock(201, 1, true));
        assertTrue(other.lockable(200, 1, true), "it shares reading");
        assertTrue(other.lockable(101, 1, true), "it does not write");
      }
    }
  }

  /** As virtlockd and Cloud Hypervisor lock, one byte or all of them. */
  @Test
  void anyOtherRangeLockedForWritingIsSeen() throws Exception {
    for (long[] range : new long[][] {{0, 1}, {0, 0}, {MIB, 1}, {150, 1}}) {
      try (HostFile other = host.open(path, true, false)) {
        other.lock(range[0], range[1], true);
        Path proc = Files.createDirectories(directory.resolve("proc"));
        Surroundings unseen = Surroundings.of(Path.of("/sys"), proc);
        LocalDeviceProvider blind = new LocalDeviceProvider(unseen, host);
        BlksnapException busy =
            assertThrows(
                BlksnapException.class, () -> blind.open(new OpenRequest(path, false, false)));
        assertEquals(Errno.EBUSY, busy.errno(), "from " + range[0]);
        blind.open(new OpenRequest(path, false, true)).close();
      }
    }
  }

  @Test
  void theSwapOfTheHostDropsNoLock() throws Exception {
    try (RawDevice device = open(false, false)) {
      provider.host = new ToolHost();
      device.discard(0, 4096);
      provider.host = null;
      try (Bystander late = new Bystander(path, "<", "! flock -n -s 9")) {
        assertTrue(late.pid() > 0);
      }
    }
  }

  @Test
  void anInterruptDropsNoLock() throws Exception {
    try (RawDevice device = open(false, false)) {
      Thread.currentThread().interrupt();
      assertThrows(IOException.class, () -> device.transferTo(0, MIB, new Interrupting()));
      assertTrue(Thread.interrupted());
      device.flush();
      try (Bystander late = new Bystander(path, "<", "! flock -n -s 9")) {
        assertTrue(late.pid() > 0);
      }
    }
  }

  @Test
  void theDoctorHearsWhatIsForcedAndWhatIsWithoutLocks() throws Exception {
    try (Bystander holder = new Bystander(path, "<", "flock -x 9");
        RawDevice forced = open(false, true)) {
      assertTrue(holder.pid() > 0 && forced.geometry().capacity() == MIB);
      assertEquals(List.of(Severity.WARNING), severities());
    }
    try (RawDevice held = open(false, false)) {
      assertEquals(MIB, held.geometry().capacity());
      assertEquals(List.of(Severity.OK), severities());
    }
    with(null);
    try (RawDevice lockless = open(false, false)) {
      assertEquals(MIB, lockless.geometry().capacity());
      assertEquals(List.of(Severity.WARNING), severities());
    }
  }

  private List<Severity> severities() {
    return provider.examine().stream().map(Finding::severity).toList();
  }

  /** Interrupts whoever writes to it. */
  private static final class Interrupting implements java.nio.channels.WritableByteChannel {
    @Override
    public int write(java.nio.ByteBuffer src) throws IOException {
      throw new java.nio.channels.ClosedByInterruptException();
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
