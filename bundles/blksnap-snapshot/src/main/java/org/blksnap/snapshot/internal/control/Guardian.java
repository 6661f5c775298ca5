// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.blksnap.enginebase.record.RecordFile;
import org.blksnap.enginebase.thread.DaemonThreads;
import org.blksnap.linux.proc.ProcessStamp;
import org.blksnap.snapshot.internal.record.DeathFacts;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A small process that outlives this one and then writes down how the devices were left, for {@link
 * DeathFacts}: the one proof, after a kill, that nobody else wrote before the restart. It is a
 * shell that waits at a pipe; {@code guardian.sh} says the rest.
 *
 * <p>States: none (no device yet, or given up) ↔ running → closed. One that ends by itself is
 * replaced, at once {@link #STARTS} times in all, later after {@link #PAUSE}. One that does not
 * take an order within {@link #ORDER_WAIT} is killed, so that it can never write down what it was
 * told to forget. One that was stopped by a signal ends when it goes on, for the same reason.
 *
 * <p>A device is watched only once its map and its images have been judged: what is found at a
 * death becomes what the next start compares with. It is forgotten before it is let go of, since
 * from then on others may write to it.
 *
 * <p>The monitor guards everything, and is held while an order is given.
 */
public final class Guardian implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(Guardian.class);

  static final Duration ORDER_WAIT = Duration.ofSeconds(2);
  static final int STARTS = 10;
  static final Duration PAUSE = Duration.ofSeconds(10);

  /** The script's answer where the host lacks what it needs. */
  private static final int NOT_ABLE = 3;

  /**
   * The script's answer where it was stopped (SIGSTOP) and goes on: for how long it cannot tell.
   */
  private static final int STOOD_STILL = 4;

  /** A session of its own where it can be had, so that no terminal ends it. */
  private static final String LAUNCH =
      "trap '' HUP INT QUIT TERM TSTP PIPE; if command -v setsid >/dev/null; then exec setsid"
          + " /bin/sh -c \"$0\" blksnap-guardian \"$@\"; else exec /bin/sh -c \"$0\""
          + " blksnap-guardian \"$@\"; fi";

  private final Path directory;
  private final String bootId;
  private final ExecutorService orders;

  @GuardedBy("this")
  private final Map<String, String> watched = new TreeMap<>();

  @GuardedBy("this")
  private Process process;

  /** Being killed; its end is awaited, and it is told nothing more. */
  @GuardedBy("this")
  private Process condemned;

  @GuardedBy("this")
  private int starts;

  @GuardedBy("this")
  private String trouble = "";

  /** False where this host lacks what the script needs. */
  @GuardedBy("this")
  private boolean able = true;

  @GuardedBy("this")
  private boolean closed;

  Guardian(Path directory, String bootId) {
    this.directory = directory;
    this.bootId = bootId;
    this.orders = Executors.newSingleThreadExecutor(DaemonThreads.named("blksnap-guardian"));
  }

  /** From now on, whatever becomes of this process. The device is as its map says. */
  public synchronized void watch(String device, RawDevice raw) {
    if (closed) {
      return;
    }
    try {
      String traces = raw.traces().stream().map(TraceWords::of).collect(Collectors.joining(" "));
      watched.put(device, traces);
      if (process == null) {
        start();
      } else {
        order("watch " + device + " " + traces);
      }
    } catch (IOException | RuntimeException e) {
      forget(device);
      LOG.warn("device {} is not watched: {}", device, e.toString());
    }
  }

  /** When it returns, no death writes anything down of the device. */
  public synchronized void forget(String device) {
    if (watched.remove(device) != null && process != null) {
      order("forget " + device);
    }
  }

  /** Empty where all is well, else why a kill of the process would cost full backups. */
  public synchronized String trouble() {
    return watched.isEmpty() || process != null ? "" : trouble;
  }

  @GuardedBy("this")
  private void start() {
    if (closed || !able || process != null || watched.isEmpty()) {
      return;
    }
    starts++;
    String token = UUID.randomUUID().toString();
    try {
      ProcessBuilder builder =
          new ProcessBuilder(
              List.of(
                  "/bin/sh", "-c", LAUNCH, script(), TraceWords.escaped(directory), token, bootId));
      builder.directory(Path.of("/").toFile());
      builder.environment().clear();
      builder.environment().put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
      builder.environment().put("LC_ALL", "C");
      builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
      builder.redirectError(ProcessBuilder.Redirect.DISCARD);
      Process started = builder.start();
      process = started;
      started.onExit().thenAcceptAsync(this::exited);
      RecordFile.writeUnforced(
          directory.resolve(DeathFacts.RECORD),
          DeathFacts.KIND,
          Map.of(
              DeathFacts.BOOT,
              bootId,
              DeathFacts.TOKEN,
              token,
              DeathFacts.PROCESS,
              ProcessStamp.of(started.pid())));
      for (Map.Entry<String, String> device : watched.entrySet()) {
        order("watch " + device.getKey() + " " + device.getValue());
      }
    } catch (IOException e) {
      lose("it could not be started: " + e);
      if (process == null) {
        CompletableFuture.delayedExecutor(PAUSE.toMillis(), TimeUnit.MILLISECONDS)
            .execute(this::again);
      }
    }
  }

  private static String script() throws IOException {
    try (InputStream in = Guardian.class.getResourceAsStream("guardian.sh")) {
      return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
    }
  }

  @GuardedBy("this")
  private void order(String line) {
    Process to = process;
    if (to == null || to == condemned) {
      return;
    }
    Future<?> written =
        orders.submit(
            () -> {
              OutputStream pipe = to.getOutputStream();
              pipe.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
              pipe.flush();
              return null;
            });
    boolean interrupted = false;
    try {
      long deadline = System.nanoTime() + ORDER_WAIT.toNanos();
      while (true) {
        try {
          written.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
          return;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } catch (TimeoutException e) {
      lose("it took no order within " + ORDER_WAIT.toSeconds() + " s");
    } catch (ExecutionException e) {
      lose("its pipe is broken: " + e.getCause());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Kills what cannot be relied on; its end starts another one. */
  @GuardedBy("this")
  private void lose(String why) {
    trouble = why;
    Process lost = process;
    if (lost != null) {
      condemned = lost;
      lost.destroyForcibly();
    }
    LOG.warn("guardian process {}: {}", lost == null ? "" : lost.pid(), why);
  }

  private synchronized void exited(Process ended) {
    if (closed || process != ended) {
      return;
    }
    process = null;
    if (ended.exitValue() == NOT_ABLE) {
      trouble = "this host's stat or sync cannot tell what is needed (coreutils 8.24 or newer can)";
      able = false;
    } else if (ended.exitValue() == STOOD_STILL) {
      trouble = "it was stopped by a signal, so it proves nothing any more";
    } else {
      trouble = "it ended with status " + ended.exitValue() + ", for the " + starts + ". time";
    }
    LOG.warn("guardian process {}: {}", ended.pid(), trouble);
    if (starts < STARTS) {
      start();
    } else {
      CompletableFuture.delayedExecutor(PAUSE.toMillis(), TimeUnit.MILLISECONDS)
          .execute(this::again);
    }
  }

  private synchronized void again() {
    start();
  }

  /** All devices have been left in order: nothing is to be written down. Idempotent. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    watched.clear();
    if (process != null) {
      order("end");
      ended();
    }
    orders.shutdownNow();
    if (starts == 0) {
      return; // what is on record is a predecessor's
    }
    try {
      Files.deleteIfExists(directory.resolve(DeathFacts.RECORD));
    } catch (IOException e) {
      LOG.debug("{}", e.toString());
    }
  }

  /** What a death of this process does to the pipe. Ended when it returns. For tests. */
  public synchronized void abandon() throws IOException {
    closed = true;
    if (process != null) {
      process.getOutputStream().close();
      ended();
    }
    orders.shutdownNow();
  }

  @GuardedBy("this")
  private void ended() {
    try {
      if (!process.waitFor(ORDER_WAIT.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** Zero where there is none. */
  synchronized long pid() {
    return process == null ? 0 : process.pid();
  }
}
