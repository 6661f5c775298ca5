// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Instant;
import java.util.function.LongSupplier;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.tracker.TrackerRequest;

/**
 * Decides whether the marks in a file can be trusted. In doubt they are not: a full backup too many
 * is better than a change too few.
 */
final class MapOpening {
  /** How much later than the last heartbeat a device may have been changed by ourselves. */
  static final long HEARTBEAT_SLACK_MILLIS = 1_000;

  /**
   * The same after a power loss in durable mode: the heartbeat itself reaches the disk only with
   * the kernel's write-back.
   */
  static final long POWER_LOSS_SLACK_MILLIS = 60_000;

  /** The file to go on with, or null and why not. */
  record Verdict(MapFile file, int active, GenerationReason reason, String detail) {
    static Verdict fresh(GenerationReason reason, String detail) {
      return new Verdict(null, 1, reason, detail);
    }
  }

  private final TrackerRequest request;
  private final LongSupplier bootMillis;

  /** {@code bootMillis} answers when the host was started, ms since the epoch; 0: unknown. */
  MapOpening(TrackerRequest request, LongSupplier bootMillis) {
    this.request = request;
    this.bootMillis = bootMillis;
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

  private Verdict afterDeath(MapFile file) {
    MapHeader header = file.header();
    long modified = request.lastModifiedMillis();
    boolean powerLoss = !header.bootId().equals(request.bootId());
    if (powerLoss && header.has(MapLayout.RENEWING)) {
      return Verdict.fresh(
          GenerationReason.UNCLEAN_POWER_LOSS, "a newer map was begun and may have been lost");
    }
    if (powerLoss && !(header.has(MapLayout.DURABLE) && request.durable())) {
      return Verdict.fresh(
          GenerationReason.UNCLEAN_POWER_LOSS,
          "in use under boot " + header.bootId() + ", now is boot " + request.bootId());
    }
    long slack = powerLoss ? POWER_LOSS_SLACK_MILLIS : HEARTBEAT_SLACK_MILLIS;
    long boot = powerLoss ? bootMillis.getAsLong() : 0;
    if (modified > file.lastBeat() + slack || (boot > 0 && modified > boot)) {
      return Verdict.fresh(
          GenerationReason.CHANGED_WHILE_DETACHED,
          "changed at "
              + Instant.ofEpochMilli(modified)
              + ", last tracked at "
              + Instant.ofEpochMilli(file.lastBeat()));
    }
    int active = powerLoss ? header.announced() : header.active();
    return new Verdict(file, active, null, "");
  }
}
