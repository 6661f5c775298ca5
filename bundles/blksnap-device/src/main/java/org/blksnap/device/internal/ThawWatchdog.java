// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * A process that thaws one file system whatever becomes of this JVM: it is started and known to be
 * ready before the freeze, and needs nothing of the JVM afterwards. So a JVM that stands still as a
 * whole (a thread in a page fault that cannot be served keeps every safepoint from being reached),
 * or that is killed, leaves nothing frozen.
 *
 * <pre>
 * states        starting → watching → stood down (told {@code thawed})
 *                                   → thawed, at its deadline or when this process is gone
 * told by       its standard input: the word {@code thawed}; end of file means that the JVM is dead
 * waits by      coreutils' timeout, whose clock nobody sets
 * needs         /bin/sh, timeout, head, fsfreeze; no file, no directory of its own
 * ignores       SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, as they come to a whole
 *               group of processes; and SIGPIPE, as nobody may be left to read what it says
 * </pre>
 *
 * <p>The file system is held by an open directory, so that neither a mount above it nor a rename
 * leads the thaw astray. At the deadline a freeze may be still under way in the kernel, which
 * cannot be thawed yet; then the thaw is tried each second until it succeeds, the JVM says that it
 * has thawed, or the JVM is gone, whose freeze has ended by then.
 *
 * <p>Left out: the kernel knows no owner of a freeze. Between the JVM's thaw and its word lie
 * microseconds in which the deadline would thaw what somebody else froze.
 */
final class ThawWatchdog implements AutoCloseable {
  /** How long it may take to come. */
  static final Duration READY_WAIT = Duration.ofSeconds(5);

  /** How long it may take to go, once told. */
  static final Duration END_WAIT = Duration.ofSeconds(2);

  private static final long POLL_MILLIS = 1;
  private static final int LONGEST_LINE = 4096;
  private static final int STOOD_DOWN = 0;

  private static final String SCRIPT =
      """
      trap '' HUP INT QUIT TERM TSTP TTIN TTOU PIPE
      for tool in timeout head fsfreeze; do
        command -v "$tool" >/dev/null || { echo "there is no $tool"; exit 2; }
      done
      exec 3<"$1"
      echo ready
      word=$(timeout -s KILL "$2" head -n 1)
      ended=$?
      until [ "$word" = thawed ]; do
        fsfreeze --unfreeze /proc/self/fd/3 2>/dev/null && exit 3
        [ "$ended" = 0 ] && exit 4
        word=$(timeout -s KILL 1 head -n 1)
        ended=$?
      done
      """;

  /** How a watchdog comes; tests put others in its place. */
  interface Starter {
    ThawWatchdog start(Path mountPoint, Duration deadline) throws BlksnapException;
  }

  private final Process process;
  private final Path point;

  private ThawWatchdog(Process process, Path point) {
    this.process = process;
    this.point = point;
  }

  /**
   * Ready when it returns. The deadline counts from now. ENOSYS: a tool is missing; EAGAIN: it did
   * not come in time; EIO: it could not be started.
   */
  static ThawWatchdog start(Path mountPoint, Duration deadline) throws BlksnapException {
    ProcessBuilder builder =
        new ProcessBuilder(
            List.of(
                "/bin/sh",
                "-c",
                SCRIPT,
                "blksnap-thaw-watchdog",
                mountPoint.toString(),
                seconds(deadline)));
    builder.directory(Path.of("/").toFile());
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    builder.redirectErrorStream(true);
    ThawWatchdog watchdog;
    try {
      watchdog = new ThawWatchdog(builder.start(), mountPoint);
    } catch (IOException e) {
      throw new BlksnapException(Errno.EIO, without(mountPoint, e.toString()), e);
    }
    try {
      watchdog.awaitReady();
      return watchdog;
    } catch (BlksnapException e) {
      watchdog.process.destroyForcibly();
      throw e;
    }
  }

  private static String seconds(Duration deadline) {
    return String.format(
        java.util.Locale.ROOT, "%d.%03d", deadline.toSeconds(), deadline.toMillisPart());
  }

  private static String without(Path point, String why) {
    return point
        + " is not frozen without a watchdog process that thaws it whatever happens, and that did"
        + " not come: "
        + why
        + "; it needs /bin/sh, timeout and head (coreutils) and fsfreeze (util-linux)";
  }

  private void awaitReady() throws BlksnapException {
    long end = System.nanoTime() + READY_WAIT.toNanos();
    InputStream out = process.getInputStream();
    StringBuilder said = new StringBuilder();
    try {
      while (said.indexOf("\n") < 0) {
        if (out.available() > 0) {
          said.append((char) out.read());
        } else if (!process.isAlive() && out.available() == 0) {
          break;
        } else if (end - System.nanoTime() <= 0) {
          throw new BlksnapException(
              Errno.EAGAIN, without(point, "it was not ready within " + READY_WAIT));
        } else {
          Thread.sleep(POLL_MILLIS);
        }
        if (said.length() > LONGEST_LINE) {
          break;
        }
      }
    } catch (IOException e) {
      throw new BlksnapException(Errno.EIO, without(point, e.toString()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BlksnapException(Errno.EINTR, without(point, "interrupted"), e);
    }
    if (!said.toString().equals("ready\n")) {
      throw new BlksnapException(
          Errno.ENOSYS, without(point, "\"" + said.toString().strip() + "\""));
    }
  }

  /**
   * Tells it that the file system is thawed, or was never frozen. True where it had thawed it
   * before, or is not there any more to say so: then the freeze did not last until now. Bounded by
   * {@link #END_WAIT}.
   */
  boolean standDown() {
    try (OutputStream in = process.getOutputStream()) {
      in.write("thawed\n".getBytes(StandardCharsets.US_ASCII));
    } catch (IOException gone) {
      // It has ended already; its exit status says why.
    }
    boolean interrupted = Thread.interrupted();
    try {
      long end = System.nanoTime() + END_WAIT.toNanos();
      while (end - System.nanoTime() > 0) {
        try {
          if (process.waitFor(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
            return process.exitValue() != STOOD_DOWN;
          }
          break;
        } catch (InterruptedException again) {
          interrupted = true;
        }
      }
      process.destroyForcibly();
      return true;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    standDown();
  }

  /** Its process id, for tests. */
  long pid() {
    return process.pid();
  }
}
