// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;
import org.blksnap.spi.storage.DiffStorage;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the host can do is used, and what it cannot is done without. */
class HostTest {
  private static final int PORTION = 1000 * 512;

  @TempDir Path directory;
  private PoolFixture fixture;
  private final List<String> calls = new ArrayList<>();
  private Errno answer = Errno.OK;
  private Path opened;

  /** What is answered where a lock is asked for. */
  private boolean free = true;

  @BeforeEach
  void prepare() {
    fixture = new PoolFixture(directory);
  }

  private HostOperations host() {
    return (HostOperations)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {HostOperations.class},
            (proxy, method, arguments) -> {
              calls.add(method.getName() + " exclusive " + arguments[2]);
              opened = (Path) arguments[0];
              return file();
            });
  }

  private HostFile file() {
    return (HostFile)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {HostFile.class},
            (proxy, method, arguments) -> {
              calls.add(
                  method.getName()
                      + (arguments == null || arguments.length < 2 ? "" : " " + arguments[1]));
              if (method.getName().equals("allocate") && answer != Errno.OK) {
                throw new BlksnapException(answer, "as the test wants it");
              }
              if (method.getName().equals("descriptor")) {
                return opened;
              }
              return method.getReturnType() == boolean.class ? free : null;
            });
  }

  private DiffStorage pool() throws BlksnapException {
    DiffStorageProvider provider = new DiffStorageProvider(BlockUse.onThisHost());
    provider.bindHost(host());
    return provider.create(fixture.request);
  }

  private long files() throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.filter(file -> file.toString().endsWith(".diff")).count();
    }
  }

  @Test
  void spaceIsReservedWhereTheHostCan() throws IOException {
    DiffStorage pool = pool();
    BlksnapException tooShort =
        assertThrows(
            BlksnapException.class,
            () -> {
              pool.appendDirectory(directory, 2 * PORTION);
              PoolFixture.read(pool, 0, 512); // the host of this test only pretended
            });
    assertEquals(Errno.EIO, tooShort.errno());
    assertEquals(
        List.of("open exclusive false", "allocate " + PORTION, "close"), calls.subList(0, 3));
    pool.delete();
  }

  @Test
  void filesAreSparseWhereItCannot() throws IOException {
    answer = Errno.EOPNOTSUPP;
    DiffStorage pool = pool();
    pool.appendDirectory(directory, 2 * PORTION);
    assertEquals(1, files());
    assertEquals(512, PoolFixture.read(pool, 0, 512).remaining());
    pool.delete();
    assertEquals(0, files());
  }

  @Test
  void filesAreSparseWhereReservingFailsForAnotherReasonThanRoom() throws IOException {
    answer = Errno.EIO;
    DiffStorage pool = pool();
    pool.appendDirectory(directory, 2 * PORTION);
    pool.allocate(PORTION);
    pool.allocate(PORTION);
    assertEquals(2, files());
    assertEquals(512, PoolFixture.read(pool, PORTION, 512).remaining());
    assertFalse(pool.status().overflown());
    pool.delete();
  }

  @Test
  void aFileTooLargeForItsFileSystemIsRefused() throws IOException {
    answer = Errno.EFBIG;
    DiffStorage pool = pool();
    BlksnapException e =
        assertThrows(BlksnapException.class, () -> pool.appendDirectory(directory, 2 * PORTION));
    assertEquals(Errno.EFBIG, e.errno());
    assertEquals(0, files());
    pool.delete();
  }

  @Test
  void nothingStaysBehindWhereSpaceIsShort() throws IOException {
    answer = Errno.ENOSPC;
    DiffStorage pool = pool();
    BlksnapException e =
        assertThrows(BlksnapException.class, () -> pool.appendDirectory(directory, 2 * PORTION));
    assertEquals(Errno.ENOSPC, e.errno());
    assertTrue(pool.isEmpty());
    assertEquals(0, files());
    assertFalse(pool.status().overflown());
    pool.delete();
  }

  @Test
  void aFileSomebodyElseHasLockedIsRefusedAndNotLeftOpen() throws IOException {
    free = false;
    Path file = fixture.file("locked", 4096);
    BackingFiles files = new BackingFiles(this::host, BlockUse.onThisHost());
    BlksnapException busy =
        assertThrows(BlksnapException.class, () -> files.open(file, FileIdentity.of(file)));
    assertEquals(Errno.EBUSY, busy.errno());
    assertEquals("close", calls.get(calls.size() - 1));
  }

  @Test
  void storageIsLockedAsLongAsItIsOpen() throws IOException {
    Path file = fixture.file("locked", 4096);
    BackingFiles files = new BackingFiles(this::host, BlockUse.onThisHost());
    BackingFile open = files.open(file, FileIdentity.of(file));
    assertTrue(calls.stream().anyMatch(call -> call.startsWith("lock ")), calls.toString());
    assertFalse(calls.contains("close"), calls.toString());
    open.close();
    assertEquals("close", calls.get(calls.size() - 1));
  }
}
