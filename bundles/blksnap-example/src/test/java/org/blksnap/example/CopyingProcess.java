// SPDX-License-Identifier: Apache-2.0
package org.blksnap.example;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Random;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.testkit.engine.TestEngine;

/**
 * Writes and copies by turns until it is killed. What the disk is before each copy it keeps in
 * {@code shadow0} and {@code shadow1} by turns: a whole target is one of the two. Prints a line
 * before each copy.
 */
final class CopyingProcess {
  static final int SIZE = 16 << 20;

  private CopyingProcess() {}

  static Path target(Path directory) {
    return directory.resolve("copy.img");
  }

  static Path shadow(Path directory, int which) {
    return directory.resolve("shadow" + which);
  }

  /** One copy with an engine; answers what it said. */
  static String copy(TestEngine engine, Path directory) throws IOException {
    return new IncrementalCopy(engine.service())
        .copy(engine.file("disk").toString(), target(directory).toString());
  }

  public static void main(String[] args) throws IOException {
    Path directory = Path.of(args[0]);
    Random random = new Random(Long.parseLong(args[1]));
    TestEngine engine = TestEngine.in(directory.resolve("engine"));
    for (int round = 0; ; round++) {
      AttachedDevice disk = engine.disk("disk", SIZE);
      byte[] bytes = new byte[1 + random.nextInt(SIZE)];
      random.nextBytes(bytes);
      disk.write(ByteBuffer.wrap(bytes), random.nextInt(SIZE - bytes.length + 1));
      Files.copy(
          engine.file("disk"), shadow(directory, round % 2), StandardCopyOption.REPLACE_EXISTING);
      System.out.println("copying");
      copy(engine, directory);
    }
  }
}
