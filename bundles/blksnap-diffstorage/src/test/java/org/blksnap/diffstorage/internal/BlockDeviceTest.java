// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.contract.LoopDevice;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.spi.host.HostOperations;
import org.blksnap.spi.storage.DiffStorage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real loop devices and a real full file system; needs root. */
class BlockDeviceTest {
  private static final int SIZE = 8 << 20;

  @TempDir Path directory;
  private PoolFixture fixture;
  private DiffStorage pool;

  @BeforeEach
  void open() throws IOException {
    assumeTrue(
        "root".equals(System.getProperty("user.name")),
        "SKIPPED: loop devices and mounts need root");
    fixture = new PoolFixture(directory);
    pool = fixture.create();
  }

  @AfterEach
  void delete() {
    if (pool != null) {
      pool.delete();
    }
  }

  @Test
  void aMountedDeviceIsRefused() throws Exception {
    try (LoopDevice loop = new LoopDevice(fixture.file("backing", SIZE))) {
      Path mount = loop.mountExt4(directory.resolve("mnt"));
      BlksnapException e =
          assertThrows(
              BlksnapException.class,
              () -> pool.appendRanges(loop.device, List.of(), PoolFixture.geometry(SIZE, 512)));
      assertEquals(Errno.EBUSY, e.errno());
      assertTrue(e.getMessage().contains(mount.toString()), e.getMessage());
    }
  }

  @Test
  void aFullFileSystemAsksTheUserAndEndsInOverflow() throws Exception {
    Path mount = Files.createDirectory(directory.resolve("tmpfs"));
    LoopDevice.run("mount", "-t", "tmpfs", "-o", "size=600k", "none", mount.toString());
    try {
      pool.appendDirectory(mount, 1 << 30);
      assertEquals(1000 * 512, pool.status().capacityBytes());
      pool.write(pool.allocate(250_880), PoolFixture.pattern(250_880, 0));
      pool.write(pool.allocate(250_880), PoolFixture.pattern(250_880, 1));
      PoolFixture.await("an event", () -> fixture.asked().size() == 2);
      pool.allocate(10_240);
      BlksnapException e = assertThrows(BlksnapException.class, () -> pool.allocate(1 << 20));
      assertEquals(Errno.ENOSPC, e.errno());
      assertTrue(pool.status().overflown());
    } finally {
      pool.delete();
      LoopDevice.run("umount", mount.toString());
    }
  }

  @Test
  void aSparseFileOnAFullFileSystemAnswersENOSPC() throws Exception {
    Path mount = Files.createDirectory(directory.resolve("tmpfs"));
    LoopDevice.run("mount", "-t", "tmpfs", "-o", "size=64k", "none", mount.toString());
    try {
      Path file = new PoolFixture(mount).file("sparse", 1 << 20);
      fixture.append(pool, file);
      BlksnapException e =
          assertThrows(
              BlksnapException.class, () -> pool.write(0, PoolFixture.pattern(1 << 19, 0)));
      assertEquals(Errno.ENOSPC, e.errno());
    } finally {
      pool.delete();
      LoopDevice.run("umount", mount.toString());
    }
  }

  @Test
  void aHeldBlockDeviceThatIsNotMountedIsAccepted() throws Exception {
    HostOperations busy =
        (HostOperations)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {HostOperations.class},
                (proxy, method, arguments) -> {
                  throw new BlksnapException(Errno.EBUSY, "held");
                });
    BackingFiles files = new BackingFiles(() -> busy, BlockUse.onThisHost());
    try (LoopDevice loop = new LoopDevice(fixture.file("backing", SIZE));
        BackingFile open = files.open(loop.device, FileIdentity.of(loop.device))) {
      assertEquals(SIZE, open.bytes().size());
    }
  }
}
