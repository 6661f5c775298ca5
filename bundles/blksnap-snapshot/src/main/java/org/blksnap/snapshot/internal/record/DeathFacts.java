// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.blksnap.enginebase.record.RecordFile;
import org.blksnap.linux.proc.ProcessStamp;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the guardian of an engine that died has written down of its devices, in {@code
 * facts-<token>} of the state directory.
 *
 * <pre>
 * blksnap-facts 1 TOKEN BOOT      token of the guardian's record, boot id
 * NAME F:PATH forced ...          a line a device: what was forced to disk, - where it failed
 * NAME S:PATH READING T:... ...   a line a device: what was read after that
 * end                             without a line feed; the file comes whole by a rename
 * </pre>
 *
 * <p>Every engine's guardian has its own token, so a late one writes over nobody's facts.
 *
 * @param lines by device name, its words without the name
 * @param missing why there are none; empty where there are
 */
public record DeathFacts(Map<String, String> lines, String missing) {
  private static final Logger LOG = LoggerFactory.getLogger(DeathFacts.class);

  /** The record of a guardian at work: in the state directory, its kind and its keys. */
  public static final String RECORD = "guardian.record";

  public static final String KIND = "guardian";
  public static final String BOOT = "boot";
  public static final String TOKEN = "token";
  public static final String PROCESS = "process";

  private static final String PREFIX = "facts-";
  private static final String MAGIC = "blksnap-facts 1 ";
  private static final String END = "\nend";
  private static final long LARGEST = 64L << 20;

  /** How long a restart waits for a guardian that is still forcing the devices to disk. */
  static final Duration WAIT = Duration.ofSeconds(30);

  private static final long POLL_NANOS = 10_000_000;

  static DeathFacts none(String why) {
    return new DeathFacts(Map.of(), why);
  }

  /** Waits for a guardian at work, reads what it left, and removes all of it. */
  static DeathFacts fetch(Path root, String bootId) {
    DeathFacts facts = read(root, bootId);
    try {
      Files.deleteIfExists(root.resolve(RECORD));
      try (Stream<Path> files = Files.list(root)) {
        for (Path file :
            files.filter(f -> f.getFileName().toString().startsWith(PREFIX)).toList()) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException e) {
      return none("what its guardian left could not be removed, so it is not used: " + e);
    }
    if (!facts.missing.isEmpty()) {
      LOG.debug("no facts of a death: {}", facts.missing);
    }
    return facts;
  }

  private static DeathFacts read(Path root, String bootId) {
    Path record = root.resolve(RECORD);
    try {
      Map<String, String> values = RecordFile.read(record, KIND);
      if (!bootId.equals(values.get(BOOT))) {
        return none("the guardian on record is of another boot of the host");
      }
      Path file = root.resolve(PREFIX + values.get(TOKEN));
      await(file, values.getOrDefault(PROCESS, ""));
      return parse(file, MAGIC + values.get(TOKEN) + " " + bootId + "\n");
    } catch (NoSuchFileException e) {
      return none("no guardian process watched the device");
    } catch (IOException | RuntimeException e) {
      return none("what its guardian left could not be read: " + e);
    }
  }

  private static void await(Path file, String process) {
    long deadline = System.nanoTime() + WAIT.toNanos();
    boolean said = false;
    while (!Files.exists(file) && ProcessStamp.lives(process) && deadline - System.nanoTime() > 0) {
      if (!said) {
        said = true;
        LOG.info("waits for guardian process {} to write down how devices were left", process);
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private static DeathFacts parse(Path file, String head) throws IOException {
    if (!Files.exists(file)) {
      return none(
          "the engine's process died and its guardian wrote nothing down within "
              + WAIT.toSeconds()
              + " s: it was killed as well, was stopped, or could not");
    }
    if (Files.size(file) > LARGEST) {
      return none("what its guardian left is larger than " + LARGEST + " bytes");
    }
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    if (!text.startsWith(head) || !text.endsWith(END)) {
      return none("what its guardian left is not whole");
    }
    Map<String, String> lines = new HashMap<>();
    String body = text.substring(head.length(), text.length() - END.length() + 1);
    for (String line : body.split("\n")) {
      int blank = line.indexOf(' ');
      if (blank > 0) {
        lines.merge(line.substring(0, blank), line.substring(blank + 1), (a, b) -> a + " " + b);
      }
    }
    return new DeathFacts(lines, "");
  }

  /** The words of a line, each trace's reading behind it. */
  public static Map<String, String> readings(String line) {
    Map<String, String> readings = new HashMap<>();
    List<String> words = List.of(line.split(" "));
    for (int i = 0; i + 1 < words.size(); i += 2) {
      readings.put(words.get(i), words.get(i + 1));
    }
    return readings;
  }
}
