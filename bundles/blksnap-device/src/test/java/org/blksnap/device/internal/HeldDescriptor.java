// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * A descriptor of a file, kept by a shell. The lock of the whole file is the shell's, so all the
 * system sees it; those of ranges are seen among these objects alone, as no tool takes them.
 */
final class HeldDescriptor implements AutoCloseable {
  private record Range(HeldDescriptor by, long offset, long end, boolean exclusive) {}

  @GuardedBy("HELD")
  private static final Map<String, List<Range>> HELD = new HashMap<>();

  private final Process shell;
  private final BufferedReader said;
  private final String key;

  HeldDescriptor(Path path, boolean writable) throws BlksnapException {
    try {
      shell =
          new ProcessBuilder(
                  "bash",
                  "-c",
                  "exec 9"
                      + (writable ? "<>" : "<")
                      + "\"$0\" || exit; echo open; while read -r how;"
                      + " do flock \"$how\" -n 9 && echo yes || echo no; done",
                  path.toString())
              .start();
      said =
          new BufferedReader(new InputStreamReader(shell.getInputStream(), StandardCharsets.UTF_8));
      if (!"open".equals(said.readLine())) {
        throw refused(path, writable);
      }
      key = Files.readAttributes(descriptor(), "unix:dev,ino").toString();
    } catch (IOException e) {
      throw new BlksnapException(BlksnapException.errnoOf(e), path + " is not kept open", e);
    }
  }

  /** The shell's reason, found by doing as it did. */
  private static BlksnapException refused(Path path, boolean writable) {
    Set<OpenOption> how =
        writable
            ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE)
            : Set.of(StandardOpenOption.READ);
    try {
      FileChannel.open(path, how).close();
      return new BlksnapException(Errno.EIO, path + " is not opened by a shell");
    } catch (IOException e) {
      return new BlksnapException(BlksnapException.errnoOf(e), path + ": " + e, e);
    }
  }

  Path descriptor() {
    return Path.of("/proc/" + shell.pid() + "/fd/9");
  }

  boolean flock(boolean exclusive) throws BlksnapException {
    try {
      Writer ask = shell.outputWriter();
      ask.write(exclusive ? "-x\n" : "-s\n");
      ask.flush();
      return "yes".equals(said.readLine());
    } catch (IOException e) {
      throw new BlksnapException(Errno.EIO, "the shell does not answer", e);
    }
  }

  boolean lock(long offset, long length, boolean exclusive, boolean take) {
    long end = length == 0 ? Long.MAX_VALUE : offset + length;
    synchronized (HELD) {
      List<Range> held = HELD.computeIfAbsent(key, missing -> new ArrayList<>());
      for (Range range : held) {
        boolean apart = end <= range.offset() || range.end() <= offset;
        if (range.by() != this && !apart && (exclusive || range.exclusive())) {
          return false;
        }
      }
      if (take) {
        held.add(new Range(this, offset, end, exclusive));
      }
      return true;
    }
  }

  @Override
  public void close() {
    synchronized (HELD) {
      HELD.values().forEach(held -> held.removeIf(range -> range.by() == this));
    }
    shell.destroy();
    try {
      shell.waitFor();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
