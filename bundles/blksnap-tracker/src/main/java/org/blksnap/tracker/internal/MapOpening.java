// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.io.IOException;
import java.nio.file.Files;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.tracker.Evidence;
import org.blksnap.spi.tracker.TrackerRequest;

/**
 * Decides whether the marks in a file can be trusted. In doubt they are not: a full backup too many
 * is better than a change too few. No time is looked at: clocks are set back and forth, so only
 * what is equal counts.
 */
final class MapOpening {
  /** The file to go on with, or null and why not. */
  record Verdict(MapFile file, int active, GenerationReason reason, String detail) {
    static Verdict fresh(GenerationReason reason, String detail) {
      return new Verdict(null, 1, reason, detail);
    }
  }

  private final TrackerRequest request;

  MapOpening(TrackerRequest request) {
    this.request = request;
  }

  Verdict judge() throws IOException {
    if (!Files.exists(request.file())) {
      return request.adopt()
          ? Verdict.fresh(GenerationReason.MAP_UNREADABLE, "the file handed over is missing")
          : Verdict.fresh(GenerationReason.FIRST_ATTACH, "");
    }
    try {
      return judge(MapFile.open(request.file()));
    } catch (MapHeader.Unreadable e) {
      return Verdict.fresh(GenerationReason.MAP_UNREADABLE, e.getMessage());
    }
  }

  private Verdict judge(MapFile file) {
    MapHeader header = file.header();
    String identity = MapHeader.keyOf(request.identity());
    if (!header.identity().equals(identity)) {
      return Verdict.fresh(
          GenerationReason.OTHER_DEVICE, "was " + header.identity() + ", is " + identity);
    }
    if (header.has(MapLayout.SUPERSEDED)) {
      return Verdict.fresh(
          GenerationReason.MAP_CORRUPTED, "a newer map was begun and did not reach its place");
    }
    if (header.has(MapLayout.CORRUPTED)) {
      return Verdict.fresh(GenerationReason.MAP_CORRUPTED, "found so in an earlier run");
    }
    if (header.capacity() != request.capacity()) {
      return Verdict.fresh(
          GenerationReason.RESIZE, "was " + header.capacity() + " bytes, is " + request.capacity());
    }
    if (request.adopt()) {
      return new Verdict(file, header.active(), null, "");
    }
    return header.has(MapLayout.CLEAN) ? afterCleanClose(file) : afterDeath(file);
  }

  private Verdict afterCleanClose(MapFile file) {
    String was = file.header().fingerprint();
    String is = MapHeader.keyOf(request.fingerprint());
    return was.equals(is)
        ? new Verdict(file, file.header().active(), null, "")
        : Verdict.fresh(
            GenerationReason.CHANGED_WHILE_DETACHED, "fingerprint was " + was + ", is " + is);
  }

  /** What the process that died has left in the file speaks of a device that others could reach. */
  private Verdict afterDeath(MapFile file) {
    MapHeader header = file.header();
    Evidence left = request.evidence();
    if (!header.bootId().equals(request.bootId())) {
      return Verdict.fresh(
          GenerationReason.UNCLEAN_POWER_LOSS,
          "in use under boot " + header.bootId() + ", now is boot " + request.bootId());
    }
    if (!left.known()) {
      return Verdict.fresh(GenerationReason.UNPROVEN, left.missing());
    }
    return left.fingerprint().equals(request.fingerprint())
        ? new Verdict(file, header.active(), null, "")
        : Verdict.fresh(
            GenerationReason.CHANGED_WHILE_DETACHED,
            "left as " + left.fingerprint() + ", is " + request.fingerprint());
  }
}
