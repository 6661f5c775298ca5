// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.blksnap.enginebase.record.RecordFile;
import org.blksnap.linux.proc.ProcessStamp;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Devices as an engine left them to its successor, in {@code handover.record} of the state
 * directory, or as its guardian found them at its death ({@link DeathFacts}): their maps and areas
 * lie in files that nobody closed or forced to disk, so what is there counts as long as the
 * kernel's memory does, that is, for this boot.
 *
 * <pre>
 * boot            boot id; under another one the whole note is void
 * process         who left them; the same process attaches again what was not to outlive it
 * device.&lt;name&gt;   the device's fingerprint when the engine let go of it, every write in it; empty
 *                 where it could not be had: then nothing is known of what happened since
 * facts.&lt;name&gt;    what the guardian of an earlier engine found, of a device not attached since
 * </pre>
 *
 * <p>The file is removed before anything in it is used, so it is used once. Entries that are not
 * asked for, because their device could not be attached, are left again when this engine goes.
 * Under the engine's control lock.
 */
public final class LeftDevices {
  private static final Logger LOG = LoggerFactory.getLogger(LeftDevices.class);
  private static final String KIND = "handover";
  private static final String BOOT = "boot";
  private static final String PROCESS = "process";
  private static final String DEVICE = "device.";
  private static final String FACTS = "facts.";

  private final Path root;
  private final Path file;
  private final String bootId;
  private final Map<String, String> fingerprints = new HashMap<>();
  private final Map<String, String> facts = new HashMap<>();
  private String missing = "no engine has left it";
  private boolean sameProcess;

  public LeftDevices(Path root, String bootId) {
    this.root = root;
    this.file = root.resolve("handover.record");
    this.bootId = bootId;
  }

  /** Takes what a predecessor left, whether or not it still counts. */
  public void fetch() {
    DeathFacts found = DeathFacts.fetch(root, bootId);
    facts.putAll(found.lines());
    missing =
        found.missing().isEmpty()
            ? "the guardian of the engine that died did not watch it"
            : found.missing();
    if (Files.exists(file)) {
      fetchHandedOver();
    }
  }

  private void fetchHandedOver() {
    try {
      Map<String, String> values = RecordFile.read(file, KIND);
      Files.delete(file);
      if (!bootId.equals(values.get(BOOT))) {
        LOG.info("what an engine left before the last boot counts no more");
        return;
      }
      sameProcess = ProcessStamp.own().equals(values.get(PROCESS));
      values.forEach(
          (key, value) -> {
            if (key.startsWith(DEVICE)) {
              fingerprints.put(key.substring(DEVICE.length()), value);
            } else if (key.startsWith(FACTS)) {
              facts.putIfAbsent(key.substring(FACTS.length()), value);
            }
          });
    } catch (IOException | RuntimeException e) {
      fingerprints.clear();
      LOG.warn("{} is not used: {}", file, e.toString());
    }
  }

  /** The predecessor had it attached, in this very process. */
  public boolean attachedJustNow(String device) {
    return sameProcess && fingerprints.containsKey(device);
  }

  /**
   * How a device was left in this boot, as far as it is known.
   *
   * @param fingerprint the engine's when it let go of it, empty where it could not be had; null
   *     where no engine let go of it
   * @param facts what a guardian found; null where there is none, or the fingerprint is there
   * @param missing why there is neither; empty where there is one
   */
  public record Left(String fingerprint, String facts, String missing) {}

  /** How the device was left in this boot, once. */
  public Left claim(String device) {
    String line = facts.remove(device);
    String fingerprint = fingerprints.remove(device);
    if (fingerprint != null) {
      return new Left(fingerprint, null, "");
    }
    return new Left(null, line, line == null ? missing : "");
  }

  public void leave(String device, String fingerprint) {
    fingerprints.put(device, fingerprint);
  }

  /** Writes down what is left; not forced to disk, since it says nothing to another boot. */
  public void write() throws IOException {
    Map<String, String> values = new TreeMap<>();
    values.put(BOOT, bootId);
    values.put(PROCESS, ProcessStamp.own());
    fingerprints.forEach((name, fingerprint) -> values.put(DEVICE + name, fingerprint));
    facts.forEach((name, line) -> values.put(FACTS + name, line));
    RecordFile.writeUnforced(file, KIND, values);
  }

  public boolean isEmpty() {
    return fingerprints.isEmpty() && facts.isEmpty();
  }
}
