// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Devices as an engine left them to its successor, in {@code handover.record} of the state
 * directory: their maps and areas lie in files that nobody closed or forced to disk, so what is
 * there counts as long as the kernel's memory does, that is, for this boot.
 *
 * <pre>
 * boot            boot id; under another one the whole note is void
 * process         who left them; the same process attaches again what was not to outlive it
 * device.&lt;name&gt;   the device's fingerprint when the engine let go of it, every write in it; empty
 *                 where it could not be had: then nothing is known of what happened since
 * </pre>
 *
 * <p>The file is removed before anything in it is used, so it is used once. Entries that are not
 * asked for, because their device could not be attached, are left again when this engine goes.
 * Under the engine's control lock.
 */
final class LeftDevices {
  private static final Logger LOG = LoggerFactory.getLogger(LeftDevices.class);
  private static final String KIND = "handover";
  private static final String BOOT = "boot";
  private static final String PROCESS = "process";
  private static final String DEVICE = "device.";

  private final Path file;
  private final String bootId;
  private final Map<String, String> fingerprints = new HashMap<>();
  private boolean sameProcess;

  LeftDevices(Path root, String bootId) {
    this.file = root.resolve("handover.record");
    this.bootId = bootId;
  }

  /** Takes what a predecessor left, whether or not it still counts. */
  void fetch() {
    if (!Files.exists(file)) {
      return;
    }
    try {
      Map<String, String> values = RecordFile.read(file, KIND);
      Files.delete(file);
      if (!bootId.equals(values.get(BOOT))) {
        LOG.info("what an engine left before the last boot counts no more");
        return;
      }
      sameProcess = process().equals(values.get(PROCESS));
      values.forEach(
          (key, value) -> {
            if (key.startsWith(DEVICE)) {
              fingerprints.put(key.substring(DEVICE.length()), value);
            }
          });
    } catch (IOException | RuntimeException e) {
      fingerprints.clear();
      LOG.warn("{} is not used: {}", file, e.toString());
    }
  }

  /** The predecessor had it attached, in this very process. */
  boolean attachedJustNow(String device) {
    return sameProcess && fingerprints.containsKey(device);
  }

  /**
   * The fingerprint it was left with, once; null where it was not left by an engine of this boot.
   */
  String claim(String device) {
    String fingerprint = fingerprints.remove(device);
    return fingerprint == null || fingerprint.isEmpty() ? null : fingerprint;
  }

  void leave(String device, String fingerprint) {
    fingerprints.put(device, fingerprint);
  }

  /** Writes down what is left; not forced to disk, since it says nothing to another boot. */
  void write() throws IOException {
    Map<String, String> values = new TreeMap<>();
    values.put(BOOT, bootId);
    values.put(PROCESS, process());
    fingerprints.forEach((name, fingerprint) -> values.put(DEVICE + name, fingerprint));
    RecordFile.writeUnforced(file, KIND, values);
  }

  boolean isEmpty() {
    return fingerprints.isEmpty();
  }

  private static String process() {
    ProcessHandle self = ProcessHandle.current();
    return self.pid() + " " + self.info().startInstant().map(Object::toString).orElse("");
  }
}
