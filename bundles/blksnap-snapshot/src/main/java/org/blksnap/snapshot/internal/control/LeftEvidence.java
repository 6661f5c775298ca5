// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.util.Map;
import java.util.stream.Collectors;
import org.blksnap.snapshot.internal.record.DeathFacts;
import org.blksnap.snapshot.internal.record.LeftDevices;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.device.Trace;
import org.blksnap.spi.tracker.Evidence;

/** Makes a tracker's evidence of what is on record of how a device was left. Stateless. */
final class LeftEvidence {
  private LeftEvidence() {}

  /** {@code raw} is read where a guardian's readings have to be understood. */
  static Evidence of(LeftDevices.Left left, RawDevice raw) {
    if (left.fingerprint() != null) {
      return left.fingerprint().isEmpty()
          ? Evidence.none("the engine before could not read how it left the device")
          : Evidence.of(left.fingerprint());
    }
    String facts = left.facts();
    if (facts == null) {
      return Evidence.none(left.missing());
    }
    try {
      return raw.fingerprintOf(readings(raw, facts))
          .map(Evidence::of)
          .orElseGet(
              () ->
                  Evidence.none(
                      "what the guardian read of it after the engine's death proves nothing: "
                          + facts));
    } catch (IOException e) {
      return Evidence.none("where its changes show could not be read: " + e);
    }
  }

  /** A trace and its reading, as {@link RawDevice#fingerprintOf} wants them. */
  static Map<Trace, String> readings(RawDevice raw, String line) throws IOException {
    Map<String, String> words = DeathFacts.readings(line);
    return raw.traces().stream()
        .filter(trace -> words.containsKey(TraceWords.of(trace)))
        .collect(Collectors.toMap(trace -> trace, trace -> words.get(TraceWords.of(trace))));
  }
}
