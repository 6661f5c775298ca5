// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.contract.LoopDevice;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.device.Trace;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What files do beyond the contract. */
@Timeout(60)
class RegularFileTest {
  private static final int MIB = 1 << 20;

  @TempDir Path directory;
  private final ToolHost host = new ToolHost();
  private LocalDeviceProvider provider;
  private Path path;

  @BeforeEach
  void makeFile() throws Exception {
    provider = new LocalDeviceProvider(Surroundings.of(Path.of("/sys"), Path.of("/proc")), host);
    path = directory.resolve("disk");
    byte[] content = new byte[2 * MIB];
    Arrays.fill(content, (byte) 0x5a);
    Files.write(path, content);
  }

  @AfterEach
  void closeAll() {
    provider.close();
    assertEquals(0, host.openFiles.get(), "host files left open");
  }

  private RawDevice open() throws BlksnapException {
    return provider.open(new OpenRequest(path, false, false));
  }

  private static Errno refusal(org.junit.jupiter.api.function.Executable call) {
    return BlksnapException.errnoOf(assertThrows(IOException.class, call));
  }

  /** As a restoration of older content that keeps its time leaves it. */
  @Test
  void fingerprintTellsAWriteWhoseTimeWasPutBack() throws Exception {
    RawDevice device = open();
    String before = device.fingerprint();
    FileTime modified = Files.getLastModifiedTime(path);
    Thread.sleep(device.stampGranule().toMillis());
    Files.write(path, new byte[] {7}, StandardOpenOption.WRITE);
    Files.setLastModifiedTime(path, modified);
    assertNotEquals(before, device.fingerprint());
  }

  @Test
  void aStampThatCannotBeCountedProvesNothing() throws Exception {
    RawDevice device = open();
    Trace trace = device.traces().get(0);
    String far = "1024,99999999999.000000000,99999999999.000000000,1,2";
    assertEquals(Optional.empty(), device.fingerprintOf(Map.of(trace, far)));
    assertEquals(Optional.empty(), device.fingerprintOf(Map.of(trace, Trace.NOTHING)));
    assertEquals(Optional.empty(), device.fingerprintOf(Map.of()));
  }

  @Test
  void growingIsNoticedByRefresh() throws Exception {
    RawDevice device = open();
    assertFalse(device.refresh());
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(3 * MIB);
    }
    assertTrue(device.refresh());
    assertEquals(3 * MIB, device.geometry().capacity());
  }

  @Test
  void identityIsTheInodeNotTheName() throws Exception {
    String key;
    try (RawDevice device = open()) {
      key = device.identity().key();
    }
    Path other = directory.resolve("renamed");
    Files.move(path, other);
    path = other;
    assertEquals(key, open().identity().key());
    assertTrue(key.startsWith("file:"), key);
  }

  @Test
  void secondOpenForWritingIsRefused() throws Exception {
    RawDevice first = open();
    assertEquals(Errno.EBUSY, refusal(this::open));
    first.close();
    open().close();
  }

  @Test
  void aRefusedSecondOpenKeepsTheLockOfTheFirst() throws Exception {
    open();
    assertEquals(Errno.EBUSY, refusal(this::open));
    String inode = ":" + Files.getAttribute(path, "unix:ino") + " ";
    assertTrue(Files.readString(Path.of("/proc/locks")).contains(inode), "the lock is gone");
  }

  @Test
  void shortReadNamesTheOffset() throws Exception {
    RawDevice device = open();
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
      file.truncate(MIB);
    }
    IOException failure =
        assertThrows(IOException.class, () -> device.read(ByteBuffer.allocate(8192), MIB - 4096));
    assertEquals(Errno.EIO, BlksnapException.errnoOf(failure));
    assertTrue(failure.getMessage().contains("at " + MIB), failure.getMessage());
  }

  @Test
  void discardPunchesAHole() throws Exception {
    open().discard(MIB, MIB);
    assertEquals(List.of("open", "open", "punchHole"), host.asked);
    assertEquals(0, Files.readAllBytes(path)[MIB]);
  }

  @Test
  void discardOnAFileSystemThatCannotDoesNothing() throws Exception {
    host.failing.put("punchHole", Errno.EOPNOTSUPP);
    open().discard(MIB, MIB);
    assertEquals(0x5a, Files.readAllBytes(path)[MIB]);
  }

  @Test
  void discardWithoutAHostDoesNothing() throws Exception {
    RawDevice device = open();
    provider.host = null;
    device.discard(MIB, MIB);
    assertEquals(0x5a, Files.readAllBytes(path)[MIB]);
  }

  @Test
  void failingDiscardIsReported() throws Exception {
    host.failing.put("punchHole", Errno.EIO);
    RawDevice device = open();
    assertEquals(Errno.EIO, refusal(() -> device.discard(0, 512)));
  }

  @Test
  void newHostGetsAFileOfItsOwn() throws Exception {
    RawDevice device = open();
    ToolHost second = new ToolHost();
    provider.host = second;
    device.discard(0, 4096);
    assertEquals(List.of("open", "punchHole"), second.asked);
    assertEquals(1, host.openFiles.get(), "the one that holds the locks stays");
    device.close();
    assertEquals(0, second.openFiles.get());
  }

  /** From the next call on; that one finds its file closed. */
  private ToolHost successorDuringTheCall(String call) {
    ToolHost successor = new ToolHost();
    host.failing.put(call, Errno.EBADF);
    host.meanwhile = () -> provider.host = successor;
    return successor;
  }

  @Test
  void discardWhoseHostGoesMeanwhileIsDoneByItsSuccessor() throws Exception {
    RawDevice device = open();
    ToolHost successor = successorDuringTheCall("punchHole");
    device.discard(MIB, MIB);
    assertEquals(List.of("open", "punchHole"), successor.asked);
    assertEquals(0, Files.readAllBytes(path)[MIB]);
    device.close();
    assertEquals(0, successor.openFiles.get());
  }

  @Test
  void zeroingWhoseHostGoesMeanwhileIsDoneByItsSuccessor() throws Exception {
    RawDevice device = open();
    ToolHost successor = successorDuringTheCall("zeroRange");
    device.writeZeroes(0, MIB, true, true);
    assertEquals(List.of("open", "zeroRange"), successor.asked);
    assertEquals(0, Files.readAllBytes(path)[0]);
  }

  @Test
  void allocationWhoseHostGoesMeanwhileIsToldByItsSuccessor() throws Exception {
    host.data = new long[] {0, 4096};
    RawDevice device = open();
    ToolHost successor = successorDuringTheCall("seekHole");
    successor.data = new long[] {0, 4096};
    assertEquals(
        List.of(
            new AllocationExtent(0, 4096, false, false),
            new AllocationExtent(4096, MIB - 4096, true, true)),
        device.allocation(0, MIB, 10));
  }

  @Test
  void aBadFileOfTheSameHostIsReported() throws Exception {
    host.failing.put("punchHole", Errno.EBADF);
    RawDevice device = open();
    assertEquals(Errno.EBADF, refusal(() -> device.discard(0, 512)));
    assertEquals(List.of("open", "open", "punchHole"), host.asked);
  }

  @Test
  void zeroesAreWrittenWithoutAHost() throws Exception {
    RawDevice device = open();
    provider.host = null;
    device.writeZeroes(100, MIB, false, false);
    byte[] content = Files.readAllBytes(path);
    assertEquals(0x5a, content[99]);
    assertArrayEquals(new byte[MIB], Arrays.copyOfRange(content, 100, 100 + MIB));
    assertEquals(0x5a, content[100 + MIB]);
  }

  @Test
  void fastZeroesAreRefusedWhereTheyWouldBeWritten() throws Exception {
    RawDevice device = open();
    provider.host = null;
    assertEquals(Errno.EOPNOTSUPP, refusal(() -> device.writeZeroes(0, MIB, false, true)));
    assertEquals(0x5a, Files.readAllBytes(path)[0]);
  }

  @Test
  void keptZeroesStayAllocated() throws Exception {
    open().writeZeroes(0, MIB, true, true);
    assertEquals(List.of("open", "open", "zeroRange"), host.asked);
    assertEquals(0, Files.readAllBytes(path)[0]);
  }

  @Test
  void keptZeroesArePunchedAndAllocatedWhereZeroRangeIsMissing() throws Exception {
    host.failing.put("zeroRange", Errno.EOPNOTSUPP);
    open().writeZeroes(0, MIB, true, true);
    assertEquals(List.of("open", "open", "zeroRange", "punchHole", "allocate"), host.asked);
  }

  @Test
  void allocationCoversTheRangeInOrderUpToTheLimit() throws Exception {
    host.data = new long[] {4096, 8192, 65536, MIB};
    RawDevice device = open();
    assertEquals(
        List.of(
            new AllocationExtent(0, 4096, true, true),
            new AllocationExtent(4096, 4096, false, false),
            new AllocationExtent(8192, 57344, true, true),
            new AllocationExtent(65536, MIB - 65536, false, false),
            new AllocationExtent(MIB, MIB, true, true)),
        device.allocation(0, 2 * MIB, 10));
    assertEquals(2, device.allocation(0, 2 * MIB, 2).size());
    assertEquals(
        List.of(new AllocationExtent(5000, 100, false, false)), device.allocation(5000, 100, 10));
  }

  /** Who saves old data would take a hole for zeroes, and never look at what was there. */
  @Test
  void noHoleIsToldWhereTheFileWasCutOff() throws Exception {
    host.data = new long[] {0, MIB};
    RawDevice device = open();
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
      file.truncate(MIB);
    }
    assertEquals(
        List.of(new AllocationExtent(MIB, MIB, false, false)), device.allocation(MIB, MIB, 10));
    assertEquals(
        List.of(new AllocationExtent(0, 2 * MIB, false, false)), device.allocation(0, 2 * MIB, 10));
    assertThrows(IOException.class, () -> device.read(ByteBuffer.allocate(4096), MIB));
  }

  @Test
  void allocationWithoutAHostIsAllData() throws Exception {
    RawDevice device = open();
    provider.host = null;
    assertEquals(
        List.of(new AllocationExtent(0, MIB, false, false)), device.allocation(0, MIB, 10));
  }

  @Test
  void fingerprintTellsAnotherWritersWrite() throws Exception {
    RawDevice device = open();
    device.flush();
    String before = device.fingerprint();
    assertEquals(before, device.fingerprint());
    LoopDevice.run("touch", path.toString());
    assertNotEquals(before, device.fingerprint());
  }

  @Test
  void stoppedProviderLetsGoOfEverything() throws Exception {
    RawDevice device = open();
    provider.close();
    assertEquals(Errno.ESHUTDOWN, refusal(device::refresh));
    LocalDeviceProvider successor =
        new LocalDeviceProvider(Surroundings.of(Path.of("/sys"), Path.of("/proc")), null);
    successor.open(new OpenRequest(path, false, false)).close();
  }

  @Test
  void nothingMountedMeansNothingFrozen() throws Exception {
    try (RawDevice.Thaw thaw = open().freeze(java.time.Duration.ofSeconds(5))) {
      assertFalse(thaw.expired());
    }
    assertEquals(List.of("open", "open"), host.asked);
  }
}
