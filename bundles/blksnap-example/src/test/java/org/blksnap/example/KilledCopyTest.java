// SPDX-License-Identifier: Apache-2.0
package org.blksnap.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Random;
import org.blksnap.testkit.engine.TestEngine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real process and signal 9, at whatever moment of a copy it comes. */
class KilledCopyTest {
  private static final int KILLS = Integer.getInteger("kills", 4);

  @TempDir Path directory;

  @Test
  @Timeout(300)
  void aKillLeavesAWholeTargetOrNoPoint() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("KilledCopyTest: -Dseed=" + seed + " -Dkills=" + KILLS);
    Random random = new Random(seed);
    Path target = CopyingProcess.target(directory);
    int whole = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      copyAndKill(random);
      if (Files.exists(target.resolveSibling("copy.img.point"))) {
        whole++;
        assertTrue(isShadow(target, 0) || isShadow(target, 1), "a point beside a broken target");
      }
      try (TestEngine engine = TestEngine.in(directory.resolve("engine"))) {
        CopyingProcess.copy(engine, directory);
        assertEquals(-1, Files.mismatch(engine.file("disk"), target));
      }
      // The next process begins with the other one.
      Files.copy(target, CopyingProcess.shadow(directory, 1), StandardCopyOption.REPLACE_EXISTING);
    }
    System.out.println(whole + " of " + KILLS + " kills left a whole target");
  }

  private boolean isShadow(Path target, int which) throws IOException {
    Path shadow = CopyingProcess.shadow(directory, which);
    return Files.exists(shadow) && Files.mismatch(target, shadow) == -1;
  }

  private void copyAndKill(Random random) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                CopyingProcess.class.getName(),
                directory.toString(),
                Long.toString(random.nextLong()))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (BufferedReader said = process.inputReader(StandardCharsets.UTF_8)) {
      for (int copies = 1 + random.nextInt(3); copies >= 0; copies--) {
        assertNotNull(said.readLine(), "it ended by itself");
      }
      Thread.sleep(random.nextInt(120));
    } finally {
      process.destroyForcibly().waitFor();
    }
  }
}
