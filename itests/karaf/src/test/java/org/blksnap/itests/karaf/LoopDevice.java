// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A file as a block device of the kernel; needs root and a free loop device. */
final class LoopDevice implements Closeable {
  private final Path node;

  LoopDevice(Path file) throws IOException {
    node = Path.of(losetup("--find", "--show", file.toString()));
  }

  static boolean possible() {
    return Files.isWritable(Path.of("/dev/loop-control"));
  }

  Path node() {
    return node;
  }

  private static String losetup(String... arguments) throws IOException {
    ProcessBuilder builder = new ProcessBuilder("losetup").redirectErrorStream(true);
    builder.command().addAll(List.of(arguments));
    builder.environment().merge("PATH", "/usr/sbin:/sbin", (path, more) -> path + ":" + more);
    Process process = builder.start();
    try (var out = process.getInputStream()) {
      String told = new String(out.readAllBytes(), StandardCharsets.UTF_8).strip();
      if (process.waitFor() != 0) {
        throw new IOException("losetup " + String.join(" ", arguments) + ": " + told);
      }
      return told;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  @Override
  public void close() throws IOException {
    losetup("--detach", node.toString());
  }
}
