// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Proxy;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.blksnap.linux.proc.ProcessStamp;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.device.Trace;
import org.blksnap.spi.tracker.Evidence;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class GuardianTest {
  private static final String BOOT = "boot-1";
  private static final int SIGTERM = 15;
  private static final int SIGCONT = 18;

  @TempDir Path root;
  private final List<Guardian> guardians = new ArrayList<>();

  @AfterEach
  void endAll() throws IOException {
    for (Guardian guardian : guardians) {
      guardian.abandon();
    }
  }

  private Guardian guardian() {
    Guardian guardian = new Guardian(root, BOOT);
    guardians.add(guardian);
    return guardian;
  }

  /** A device that is changed where these traces say so; its fingerprint is what they read. */
  private static RawDevice device(Trace... traces) {
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

  private static Optional<String> fingerprint(Map<?, ?> readings, int wanted) {
    Map<String, String> sorted = new TreeMap<>();
    readings.forEach((trace, reading) -> sorted.put(trace.toString(), reading.toString()));
    return readings.size() < wanted || sorted.containsValue(Trace.NOTHING)
        ? Optional.empty()
        : Optional.of(String.join(" ", sorted.values()));
  }

  private static RawDevice file(Path path) {
    return device(new Trace(Trace.Kind.STAT, path));
  }

  private Evidence found(String boot, String name, RawDevice device) {
    LeftDevices left = new LeftDevices(root, boot);
    left.fetch();
    return left.claim(name, device);
  }

  private static void await(Callable<Boolean> condition) throws Exception {
    while (!condition.call()) {
      Thread.sleep(5);
    }
  }

  private static void signal(String signal, long pid) throws Exception {
    assertEquals(0, new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start().waitFor());
  }

  private static boolean ignores(long pid, int signal) throws IOException {
    return isIn("SigIgn:", pid, signal);
  }

  private static boolean catches(long pid, int signal) throws IOException {
    return isIn("SigCgt:", pid, signal);
  }

  private static boolean isIn(String set, long pid, int signal) throws IOException {
    String mask =
        Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
            .filter(line -> line.startsWith(set))
            .findFirst()
            .orElseThrow();
    return (Long.parseUnsignedLong(mask.substring(mask.indexOf(':') + 1).strip(), 16)
            & 1L << (signal - 1))
        != 0;
  }

  private List<Path> facts() throws IOException {
    try (Stream<Path> all = Files.list(root)) {
      return all.filter(f -> f.getFileName().toString().startsWith(DeathFacts.PREFIX)).toList();
    }
  }

  @Test
  void factsOfPathsWithAnyCharactersAreThereAfterADeath() throws Exception {
    Path folder = Files.createDirectory(root.resolve("a 'b' \"c\" $(d) `e` \\ %41 *\n#"));
    Path disk = Files.write(folder.resolve("-n =:,;&|<>~!"), new byte[4096]);
    Path text = Files.writeString(root.resolve("text"), "  1   2\t3 \n4\n");
    RawDevice device =
        device(
            new Trace(Trace.Kind.FORCE, disk),
            new Trace(Trace.Kind.STAT, disk),
            new Trace(Trace.Kind.TEXT, text));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    Map<String, Object> stat = Files.readAttributes(disk, "unix:ino,dev");
    Evidence evidence = found(BOOT, "disk", device);
    assertTrue(evidence.known(), evidence.missing());
    String[] words = evidence.fingerprint().split(" ");
    assertEquals(Trace.FORCED, words[0]);
    assertTrue(words[1].startsWith("4096,"), words[1]);
    assertTrue(words[1].endsWith("," + stat.get("dev") + "," + stat.get("ino")), words[1]);
    assertEquals("1,2,3", words[2]);
  }

  @Test
  void whatIsFoundIsUsedOnce() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    assertTrue(found(BOOT, "disk", device).known());
    assertEquals(List.of(), facts());
    assertFalse(found(BOOT, "disk", device).known());
  }

  @Test
  void whatNobodyAttachedIsLeftToTheNextEngine() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    LeftDevices between = new LeftDevices(root, BOOT);
    between.fetch();
    between.write();
    assertTrue(found(BOOT, "disk", device).known());
  }

  @Test
  void aForgottenDeviceIsNotWrittenDown() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.watch("disk.2", device);
    guardian.forget("disk");
    guardian.abandon();
    LeftDevices left = new LeftDevices(root, BOOT);
    left.fetch();
    assertFalse(left.claim("disk", device).known());
    assertTrue(left.claim("disk.2", device).known());
  }

  @Test
  void anEngineThatEndsInOrderLeavesNothingAndNobody() throws Exception {
    Guardian guardian = guardian();
    guardian.watch("disk", file(Files.write(root.resolve("disk"), new byte[1])));
    long pid = guardian.pid();
    guardian.close();
    assertEquals("", ProcessStamp.of(pid));
    assertEquals(List.of(), facts());
    assertFalse(Files.exists(root.resolve(Guardian.RECORD)));
  }

  @Test
  void anEngineThatNeverHadADeviceLeavesWhatItsPredecessorLeft() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    guardian().close();
    assertTrue(found(BOOT, "disk", device).known());
  }

  @Test
  void itMindsNoSignalThatMayBeIgnored() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    long pid = guardian.pid();
    await(() -> ignores(pid, SIGTERM));
    for (String signal : List.of("INT", "HUP", "QUIT", "TERM", "PIPE", "TSTP")) {
      signal(signal, pid);
    }
    guardian.abandon();
    assertEquals(pid, guardian.pid());
    assertTrue(found(BOOT, "disk", device).known());
  }

  /** A descriptor it kept would hold a port, a lock or a file system after the engine's death. */
  @Test
  void itHoldsNothingOfTheEngine() throws Exception {
    try (ServerSocket port = new ServerSocket(0);
        FileChannel open = FileChannel.open(Files.createFile(root.resolve("open")))) {
      assertTrue(port.isBound() && open.isOpen());
      Guardian guardian = guardian();
      guardian.watch("disk", file(root.resolve("open")));
      Path process = Path.of("/proc/" + guardian.pid());
      await(() -> Files.readSymbolicLink(process.resolve("cwd")).equals(Path.of("/")));
      // more while it asks its tools at the start
      await(() -> descriptors(process).equals(List.of("0", "1", "2")));
    }
  }

  private static List<String> descriptors(Path process) throws IOException {
    try (Stream<Path> all = Files.list(process.resolve("fd"))) {
      return all.map(fd -> fd.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void oneThatIsKilledIsReplacedAndToldAll() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    long first = guardian.pid();
    signal("KILL", first);
    await(() -> guardian.pid() != 0 && guardian.pid() != first);
    guardian.abandon();
    assertTrue(found(BOOT, "disk", device).known());
  }

  @Test
  void oneThatIsKilledTimeAndAgainIsNotReplacedAtOnceAndSaysSo() throws Exception {
    Guardian guardian = guardian();
    guardian.watch("disk", file(Files.write(root.resolve("disk"), new byte[1])));
    for (int start = 1; start <= Guardian.STARTS; start++) {
      long now = guardian.pid();
      assertNotEquals(0, now);
      signal("KILL", now);
      int last = start;
      await(() -> guardian.pid() != now && (guardian.pid() != 0 || last == Guardian.STARTS));
    }
    assertTrue(guardian.trouble().contains("status 137"), guardian.trouble());
  }

  @Test
  void oneThatTakesNoOrdersIsKilledSoThatItNeverTellsWhatItShouldHaveForgotten() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    long first = guardian.pid();
    signal("STOP", first);
    while (guardian.pid() == first) {
      guardian.watch("x".repeat(60), device);
    }
    guardian.forget("disk");
    await(() -> guardian.pid() != 0);
    guardian.abandon();
    assertFalse(found(BOOT, "disk", device).known());
  }

  @Test
  void nobodyIsBelievedWhereTheGuardianWasKilledAsWell() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    byte[] record = Files.readAllBytes(root.resolve(Guardian.RECORD));
    guardian.close();
    Files.write(root.resolve(Guardian.RECORD), record);
    Evidence evidence = found(BOOT, "disk", device);
    assertFalse(evidence.known());
    assertTrue(evidence.missing().contains("killed as well"), evidence.missing());
  }

  @Test
  void anotherBootProvesNothing() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    assertFalse(found("boot-2", "disk", device).known());
  }

  @Test
  void halfOfAFileProvesNothing() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    Path facts = facts().get(0);
    byte[] whole = Files.readAllBytes(facts);
    Files.write(facts, Arrays.copyOf(whole, whole.length - 1));
    Evidence evidence = found(BOOT, "disk", device);
    assertFalse(evidence.known());
    assertTrue(evidence.missing().contains("not whole"), evidence.missing());
  }

  @Test
  void aGuardianThatIsLateWritesOverNobodysFacts() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian late = guardian();
    late.watch("disk", device);
    Guardian present = guardian();
    present.watch("disk", device);
    byte[] record = Files.readAllBytes(root.resolve(Guardian.RECORD));
    present.abandon();
    byte[] facts = Files.readAllBytes(facts().get(0));
    late.abandon();
    assertEquals(2, facts().size());
    assertTrue(
        facts().stream()
            .anyMatch(
                file -> {
                  try {
                    return Arrays.equals(facts, Files.readAllBytes(file));
                  } catch (IOException e) {
                    return false;
                  }
                }));
    assertEquals(
        new String(record, java.nio.charset.StandardCharsets.UTF_8),
        Files.readString(root.resolve(Guardian.RECORD)));
    assertTrue(found(BOOT, "disk", device).known());
  }

  @Test
  void aTraceThatCannotBeReadProvesNothing() throws Exception {
    RawDevice device = file(root.resolve("missing"));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    assertFalse(found(BOOT, "disk", device).known());
  }

  /** It takes as long to read as nobody has written to it. */
  private Path slowTrace(String name) throws Exception {
    Path pipe = root.resolve(name);
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    return pipe;
  }

  /** The death of the engine, which does not wait for its guardian. */
  private static Thread death(Guardian guardian) {
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

  @Test
  void aRestartWaitsForOneThatIsStillWriting() throws Exception {
    Path pipe = slowTrace("pipe");
    RawDevice device = device(new Trace(Trace.Kind.TEXT, pipe));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    Thread death = death(guardian);
    Thread later =
        new Thread(
            () -> {
              try {
                Thread.sleep(300);
                Files.writeString(pipe, "read\n", StandardOpenOption.WRITE);
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    later.start();
    assertTrue(found(BOOT, "disk", device).known());
    death.join();
    later.join();
  }

  /** Others may have written between the death and its going on. */
  @Test
  void oneThatWasStoppedWhenTheEngineDiedProvesNothing() throws Exception {
    Path disk = Files.write(root.resolve("disk"), new byte[1]);
    RawDevice device = file(disk);
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    long pid = guardian.pid();
    await(() -> catches(pid, SIGCONT));
    signal("STOP", pid);
    Thread death = death(guardian);
    Files.write(disk, new byte[] {7}, StandardOpenOption.WRITE);
    signal("CONT", pid);
    Evidence evidence = found(BOOT, "disk", device);
    assertFalse(evidence.known());
    assertTrue(evidence.missing().contains("stopped"), evidence.missing());
    death.join();
  }

  @Test
  void oneThatWasStoppedWhileTheEngineLivesIsReplacedAndToldAll() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    long first = guardian.pid();
    await(() -> catches(first, SIGCONT));
    signal("STOP", first);
    signal("CONT", first);
    await(() -> guardian.pid() != 0 && guardian.pid() != first);
    guardian.abandon();
    assertTrue(found(BOOT, "disk", device).known());
  }

  /** A disk that takes long to force leaves others the time to write to a file. */
  @Test
  void aFileIsReadBeforeADeviceIsForcedThatTakesLong() throws Exception {
    Path disk = Files.write(root.resolve("disk"), new byte[1]);
    Path pipe = slowTrace("pipe");
    RawDevice file = file(disk);
    RawDevice slow = device(new Trace(Trace.Kind.FORCE, disk), new Trace(Trace.Kind.TEXT, pipe));
    Guardian guardian = guardian();
    guardian.watch("a", slow);
    guardian.watch("b", file);
    Thread death = death(guardian);
    try (OutputStream reached = Files.newOutputStream(pipe, StandardOpenOption.WRITE)) {
      Files.write(disk, new byte[] {7, 7}, StandardOpenOption.WRITE);
      reached.write('\n');
    }
    LeftDevices left = new LeftDevices(root, BOOT);
    left.fetch();
    String fingerprint = left.claim("b", file).fingerprint();
    assertTrue(fingerprint.startsWith("1,"), fingerprint);
    death.join();
  }
}
