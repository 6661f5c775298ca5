// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** A real loop device over a new file, with what was mounted from it; all gone when closed. */
final class LoopDevice implements AutoCloseable {
  final Path device;
  private final Deque<Path> mounts = new ArrayDeque<>();

  LoopDevice(Path backing, String... options) throws Exception {
    assumeTrue(
        Files.isWritable(Path.of("/dev/loop-control")),
        "SKIPPED: loop devices need root; run the tests as root to cover block devices");
    List<String> command = new java.util.ArrayList<>(List.of("losetup", "-f", "--show"));
    command.addAll(List.of(options));
    command.add(backing.toString());
    device = Path.of(run(command.toArray(String[]::new)).strip());
  }

  Path mountExt4(Path directory) throws Exception {
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

  static String run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), () -> String.join(" ", command) + ": " + output);
    return output;
  }
}
