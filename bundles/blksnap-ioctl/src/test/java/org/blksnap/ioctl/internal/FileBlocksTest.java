// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where a file's blocks lie, from what the kernel answers, and of a file that is there. */
class FileBlocksTest {
  private static final int MEBIBYTE = 1 << 20;

  @TempDir Path directory;

  private static NativeCalls answering(ToIntFunction<long[]> fiemap) {
    return (NativeCalls)
        Proxy.newProxyInstance(
            NativeCalls.class.getClassLoader(),
            new Class<?>[] {NativeCalls.class},
            (proxy, method, arguments) -> {
              assertEquals("ioctl", method.getName());
              assertEquals(FileBlocks.FS_IOC_FIEMAP, arguments[1]);
              return fiemap.applyAsInt((long[]) arguments[2]);
            });
  }

  /** One answer: logical, physical, length, flags of each. */
  private static int answer(long[] map, long[][] extents) {
    map[2] = (map[2] & 0xffffffffL) | (long) extents.length << 32;
    for (int i = 0; i < extents.length; i++) {
      int at = 4 + i * 7;
      map[at] = extents[i][0];
      map[at + 1] = extents[i][1];
      map[at + 2] = extents[i][2];
      map[at + 5] = extents[i][3];
    }
    return 0;
  }

  private static List<ByteRange> extents(long offset, long length, long[]... all)
      throws BlksnapException {
    return FileBlocks.extents(
        answering(
            map -> {
              List<long[]> wanted = new ArrayList<>();
              for (long[] extent : all) {
                if (extent[0] + extent[2] > map[0] && extent[0] < map[0] + map[1]) {
                  wanted.add(extent);
                }
              }
              int most = Math.min(2, wanted.size());
              return answer(map, wanted.subList(0, most).toArray(new long[0][]));
            }),
        "file",
        3,
        offset,
        length);
  }

  @Test
  void piecesThatTouchAreOneAndTheAskedRangeCutsThem() throws BlksnapException {
    assertEquals(
        List.of(new ByteRange(1_004_096, 12_288), new ByteRange(50_000, 4096)),
        extents(
            4096,
            16_384,
            new long[] {0, 1_000_000, 8192, 0x800},
            new long[] {8192, 1_008_192, 8192, 0x1000},
            new long[] {16_384, 50_000, 8192, 1}));
  }

  @Test
  void aHoleIsEinval() {
    for (long[][] holed :
        List.of(
            new long[][] {},
            new long[][] {{4096, 50_000, 4096, 1}},
            new long[][] {{0, 50_000, 4096, 0}, {8192, 90_000, 4096, 1}},
            new long[][] {{0, 50_000, 4096, 1}})) {
      assertEquals(
          Errno.EINVAL,
          assertThrows(BlksnapException.class, () -> extents(0, 12_288, holed)).errno());
    }
  }

  @Test
  void whatHasNoPlainPlaceOfItsOwnIsRefused() {
    for (long flag : new long[] {0x2, 0x4, 0x8, 0x80, 0x100, 0x200, 0x400, 0x2000}) {
      BlksnapException refused =
          assertThrows(
              BlksnapException.class,
              () -> extents(0, 4096, new long[] {0, 50_000, 4096, flag | 1}));
      assertEquals(Errno.EOPNOTSUPP, refused.errno());
      assertTrue(
          refused.getMessage().contains("0x" + Long.toHexString(flag | 1)), refused.getMessage());
    }
  }

  @Test
  void aFileSystemWithoutTheCallSaysSo() {
    for (Errno none : List.of(Errno.ENOTTY, Errno.EOPNOTSUPP)) {
      assertEquals(
          Errno.EOPNOTSUPP,
          assertThrows(
                  BlksnapException.class,
                  () -> FileBlocks.extents(answering(map -> -none.code()), "file", 3, 0, 4096))
              .errno());
    }
    assertEquals(
        Errno.EIO,
        assertThrows(
                BlksnapException.class,
                () -> FileBlocks.extents(answering(map -> -Errno.EIO.code()), "file", 3, 0, 4096))
            .errno());
  }

  private HostFile opened(Path file) throws IOException {
    HostOperations host = new LinuxHostOperations();
    HostFile open = host.open(file, true, false);
    open.allocate(0, 4 * MEBIBYTE);
    return open;
  }

  @Test
  void theBlocksOfAFileThatIsThereAreAllOfIt() throws IOException {
    String type = Files.getFileStore(directory).type();
    assumeTrue(type.equals("ext4") || type.equals("xfs"), "a file of ext4 or xfs, not of " + type);
    Path file = Files.createFile(directory.resolve("file"));
    try (HostFile open = opened(file)) {
      List<ByteRange> found = open.extents(0, 4 * MEBIBYTE);
      assertEquals(4 * MEBIBYTE, found.stream().mapToLong(ByteRange::length).sum());
      for (int i = 0; i < found.size(); i++) {
        assertEquals(0, found.get(i).offset() % 512);
        assertTrue(found.subList(0, i).stream().noneMatch(found.get(i)::overlaps));
      }
      assertEquals(
          Errno.EINVAL,
          assertThrows(BlksnapException.class, () -> open.extents(0, 5 * MEBIBYTE)).errno());
    }
  }

  @Test
  void anImmutableFileIsNeitherWrittenNorRemoved() throws IOException {
    String type = Files.getFileStore(directory).type();
    assumeTrue(type.equals("ext4") || type.equals("xfs"), "a file of ext4 or xfs, not of " + type);
    assumeTrue("root".equals(System.getProperty("user.name")), "only root makes a file immutable");
    Path file = Files.createFile(directory.resolve("file"));
    try (HostFile open = opened(file)) {
      open.setImmutable(true);
      try {
        open.setImmutable(true);
        assertThrows(IOException.class, () -> Files.write(file, new byte[1]));
        assertThrows(IOException.class, () -> Files.delete(file));
      } finally {
        open.setImmutable(false);
      }
      Files.write(file, new byte[1]);
    }
  }
}
