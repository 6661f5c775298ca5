// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A real loop device over a new file, with what was mounted from it; all gone when closed. */
public final class LoopDevice implements AutoCloseable {
  public final Path device;
  private final Deque<Path> mounts = new ArrayDeque<>();

  /** Options as {@code losetup} knows them. Without root the test is skipped. */
  public LoopDevice(Path backing, String... options) throws Exception {
    assumeTrue(
        Files.isWritable(Path.of("/dev/loop-control")),
        "SKIPPED: loop devices need root; run the tests as root to cover block devices");
    List<String> command = new ArrayList<>(List.of("losetup", "-f", "--show"));
    command.addAll(List.of(options));
    command.add(backing.toString());
    device = Path.of(run(command.toArray(String[]::new)).strip());
  }

  public Path mountExt4(Path directory) throws Exception {
    run("mkfs.ext4", "-q", "-F", device.toString());
    Files.createDirectories(directory);
    run("mount", device.toString(), directory.toString());
    mounts.push(directory);
    return directory;
  }

  @Override
  public void close() throws Exception {
    while (!mounts.isEmpty()) {
      run("umount", mounts.pop().toString());
    }
    run("losetup", "-d", device.toString());
  }

  /** What the command said; it must end with 0. */
  public static String run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), () -> String.join(" ", command) + ": " + output);
    return output;
  }
}
