// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.DiffAreaRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real process, killed with signal 9 under write load. */
class KillTest {
  private static final int ROUNDS = Integer.getInteger("kills", 5);
  private static final int CAPACITY = 32 << 20;
  private static final int WRITERS = 3;

  /** Writes a line each this many writes. */
  private static final int TOLD_EACH = 50;

  @TempDir Path directory;

  @Test
  void theImageIsByteExactAfterAKill() throws Exception {
    long seed = Scene.seed();
    Random random = new Random(seed);
    for (int round = 0; round < ROUNDS; round++) {
      Path home = Files.createDirectory(directory.resolve("k" + round));
      byte[] taken = new byte[CAPACITY];
      random.nextBytes(taken);
      Files.write(home.resolve("live"), taken);
      killAfter(home, seed + round, 1 + random.nextInt(40));
      compare(home, taken, "seed " + seed + " round " + round);
    }
  }

  private static void killAfter(Path home, long seed, int lines) throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-cp",
                System.getProperty("java.class.path"),
                KillTest.class.getName(),
                home.toString(),
                Long.toString(seed))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader told =
        new BufferedReader(
            new InputStreamReader(child.getInputStream(), StandardCharsets.US_ASCII))) {
      for (int i = 0; i < lines; i++) {
        assertNotEquals(null, told.readLine(), "the child ended by itself");
      }
    } finally {
      child.destroyForcibly().waitFor();
    }
  }

  private static void compare(Path home, byte[] taken, String where) throws Exception {
    try (FileChannel live = FileChannel.open(home.resolve("live"), StandardOpenOption.READ);
        FileStorage storage = new FileStorage(home.resolve("storage"));
        DiffArea area = new ChunkEngineComponent().adopt(request(home, live, storage))) {
      assertEquals(Errno.OK, area.error(), area.detail());
      assertEquals(-1, Arrays.mismatch(taken, Scene.read(area, 0, CAPACITY)), where);
      area.settle();
      assertEquals(-1, Arrays.mismatch(taken, Scene.read(area, 0, CAPACITY)), where);
    }
  }

  private static DiffAreaRequest request(Path home, FileChannel live, FileStorage storage) {
    return new DiffAreaRequest(
        new UUID(1, 2),
        "disk",
        home,
        CAPACITY,
        new BlockSizeRule(18, 1 << 20, 18),
        4096,
        storage,
        (dst, offset) -> Zeroes.readFully(live, dst, offset),
        () -> 16,
        () -> 128,
        (error, detail) -> System.err.println("corrupted: " + detail));
  }

  /** The child: home directory, seed. */
  public static void main(String[] args) throws Exception {
    Path home = Path.of(args[0]);
    FileChannel live =
        FileChannel.open(home.resolve("live"), StandardOpenOption.READ, StandardOpenOption.WRITE);
    DiffArea area =
        new ChunkEngineComponent()
            .create(request(home, live, new FileStorage(home.resolve("storage"))));
    for (int i = 0; i < WRITERS; i++) {
      Random random = new Random(Long.parseLong(args[1]) * WRITERS + i);
      new Thread(() -> writeForEver(area, live, random)).start();
    }
  }

  private static void writeForEver(DiffArea area, FileChannel live, Random random) {
    try {
      byte[] data = new byte[100_000];
      for (int i = 1; ; i++) {
        int length = 1 + random.nextInt(random.nextInt(20) == 0 ? data.length : 6000);
        int offset = random.nextInt(CAPACITY - length);
        random.nextBytes(data);
        area.preserve(offset, length, false);
        Zeroes.writeFully(live, ByteBuffer.wrap(data, 0, length), offset);
        if (i % TOLD_EACH == 0) {
          System.out.println(i);
        }
      }
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
