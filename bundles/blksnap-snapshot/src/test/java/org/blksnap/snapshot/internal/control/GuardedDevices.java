// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.blksnap.snapshot.internal.record.LeftDevices;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.device.Trace;
import org.blksnap.spi.tracker.Evidence;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
/** Devices that are watched by a guardian, and the death of their engine. */
abstract class GuardedDevices {
  static final String BOOT = "boot-1";

  static final int SIGTERM = 15;

  static final int SIGCONT = 18;

  @TempDir Path root;

  final List<Guardian> guardians = new ArrayList<>();

  @AfterEach
  void endAll() throws IOException {
    for (Guardian guardian : guardians) {
      guardian.abandon();
    }
  }

  Guardian guardian() {
    Guardian guardian = new Guardian(root, BOOT);
    guardians.add(guardian);
    return guardian;
  }

  /** A device that is changed where these traces say so; its fingerprint is what they read. */
  static RawDevice device(Trace... traces) {
    return (RawDevice)
        Proxy.newProxyInstance(
            RawDevice.class.getClassLoader(),
            new Class<?>[] {RawDevice.class},
            (self, method, arguments) ->
                switch (method.getName()) {
                  case "traces" -> Arrays.asList(traces);
                  case "fingerprintOf" -> fingerprint((Map<?, ?>) arguments[0], traces.length);
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  static Optional<String> fingerprint(Map<?, ?> readings, int wanted) {
    Map<String, String> sorted = new TreeMap<>();
    readings.forEach((trace, reading) -> sorted.put(trace.toString(), reading.toString()));
    return readings.size() < wanted || sorted.containsValue(Trace.NOTHING)
        ? Optional.empty()
        : Optional.of(String.join(" ", sorted.values()));
  }

  static RawDevice file(Path path) {
    return device(new Trace(Trace.Kind.STAT, path));
  }

  Evidence found(String boot, String name, RawDevice device) {
    LeftDevices left = new LeftDevices(root, boot);
    left.fetch();
    return LeftEvidence.of(left.claim(name), device);
  }

  static void await(Callable<Boolean> condition) throws Exception {
    while (!condition.call()) {
      Thread.sleep(5);
    }
  }

  static void signal(String signal, long pid) throws Exception {
    assertEquals(0, new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start().waitFor());
  }

  static boolean catches(long pid, int signal) throws IOException {
    return isIn("SigCgt:", pid, signal);
  }

  static boolean isIn(String set, long pid, int signal) throws IOException {
    String mask =
        Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
            .filter(line -> line.startsWith(set))
            .findFirst()
            .orElseThrow();
    return (Long.parseUnsignedLong(mask.substring(mask.indexOf(':') + 1).strip(), 16)
            & 1L << (signal - 1))
        != 0;
  }

  /** The death of the engine, which does not wait for its guardian. */
  static Thread death(Guardian guardian) {
    Thread death =
        new Thread(
            () -> {
              try {
                guardian.abandon();
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            });
    death.start();
    return death;
  }

  /** What guardians have written down and nobody has fetched. */
  List<Path> facts() throws IOException {
    try (Stream<Path> all = Files.list(root)) {
      return all.filter(f -> f.getFileName().toString().startsWith("facts-")).toList();
    }
  }
}
