// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Another process that has a file open, by descriptor 9, until it is closed. */
final class Bystander implements AutoCloseable {
  private final Process process;

  /** {@code mode} as the shell writes it, {@code then} a command given before it waits. */
  Bystander(Path path, String mode, String then) throws IOException {
    process =
        new ProcessBuilder(
                "bash",
                "-c",
                "exec 9" + mode + "\"$0\"; " + then + "; echo ready; read -r",
                path + "")
            .redirectErrorStream(true)
            .start();
    String said =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))
            .readLine();
    if (!"ready".equals(said)) {
      throw new IOException("the bystander said " + said);
    }
  }

  long pid() {
    return process.pid();
  }

  @Override
  public void close() throws InterruptedException {
    process.destroy();
    process.waitFor();
  }
}
