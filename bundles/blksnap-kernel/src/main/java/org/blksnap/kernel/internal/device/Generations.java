// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.kernel.internal.record.DeviceRecord;
import org.blksnap.kernel.internal.record.KnownMap;
import org.blksnap.spi.module.TrackerState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Why the change map of one device began. The kernel tells generations, but no reasons: what is
 * told here is what this engine saw itself, kept in the device's record, and {@code NOT_KNOWN}
 * otherwise.
 *
 * <pre>
 * between two looks there changed                   reason
 * what is in the device (its sequence number)       OTHER_DEVICE
 * the capacity                                      RESIZE
 * number 254 became a lower one                     WRAP
 * nothing else, after the map was found damaged     MAP_CORRUPTED
 * nothing else                                      NOT_KNOWN
 * </pre>
 *
 * <p>Monitor: the record and what is written of it. A record that cannot be written costs the
 * reason at the next start, never a change.
 */
final class Generations {
  /** The number of the last take that a map can have. */
  static final int LAST_NUMBER = 254;

  private static final Logger LOG = LoggerFactory.getLogger(Generations.class);

  private final Path directory;
  private final Supplier<Optional<String>> medium;
  private final Consumer<CbtInfo> newGeneration;

  @GuardedBy("this")
  private DeviceRecord record;

  @GuardedBy("this")
  private boolean damaged;

  /**
   * @param medium what is in the device now
   * @param newGeneration told of each that begins
   */
  Generations(
      Path directory,
      DeviceRecord record,
      Supplier<Optional<String>> medium,
      Consumer<CbtInfo> newGeneration) {
    this.directory = directory;
    this.record = record;
    this.medium = medium;
    this.newGeneration = newGeneration;
  }

  synchronized DeviceRecord record() {
    return record;
  }

  /** The map was found damaged: its next generation has that reason. */
  synchronized void damaged() {
    damaged = true;
  }

  /** What the module says now, with the reason. */
  CbtInfo seen(TrackerState now) {
    CbtInfo begun = null;
    CbtInfo answer;
    synchronized (this) {
      KnownMap old = record.map().orElse(null);
      if (old == null || !old.state().generation().equals(now.generation())) {
        String inside = medium.get().orElse(record.medium());
        KnownMap next = old == null ? unknown(now) : after(old, now, inside);
        damaged = false;
        keep(in(inside).with(next));
        begun = next.info();
      } else if (!old.state().equals(now)) {
        keep(record.with(old.now(now)));
      }
      answer = record.map().orElseThrow().info();
    }
    if (begun != null) {
      newGeneration.accept(begun);
    }
    return answer;
  }

  /** The generation that has just been begun by this engine. */
  CbtInfo begun(TrackerState now, GenerationReason reason, String detail) {
    CbtInfo info;
    synchronized (this) {
      KnownMap next = new KnownMap(now, reason, detail, Instant.now());
      damaged = false;
      keep(in(medium.get().orElse("")).with(next));
      info = next.info();
    }
    newGeneration.accept(info);
    return info;
  }

  private static KnownMap unknown(TrackerState now) {
    return new KnownMap(
        now,
        GenerationReason.NOT_KNOWN,
        "the device was in the kernel's filter already when this engine attached it",
        Instant.now());
  }

  @GuardedBy("this")
  private KnownMap after(KnownMap old, TrackerState now, String inside) {
    if (!record.medium().isEmpty() && !inside.equals(record.medium())) {
      return new KnownMap(
          now,
          GenerationReason.OTHER_DEVICE,
          "its sequence number was " + record.medium() + " and is " + inside,
          Instant.now());
    }
    if (old.state().capacity() != now.capacity()) {
      return new KnownMap(
          now,
          GenerationReason.RESIZE,
          "from " + old.state().capacity() + " to " + now.capacity() + " bytes",
          Instant.now());
    }
    if (old.state().changesNumber() == LAST_NUMBER && now.changesNumber() < LAST_NUMBER) {
      return new KnownMap(now, GenerationReason.WRAP, "", Instant.now());
    }
    return damaged
        ? new KnownMap(now, GenerationReason.MAP_CORRUPTED, "", Instant.now())
        : new KnownMap(
            now,
            GenerationReason.NOT_KNOWN,
            "the kernel began it and does not tell why; its log may (dmesg)",
            Instant.now());
  }

  @GuardedBy("this")
  private DeviceRecord in(String inside) {
    DeviceRecord r = record;
    return new DeviceRecord(
        r.path(),
        r.name(),
        r.major(),
        r.minor(),
        r.attached(),
        r.persistent(),
        r.incarnation(),
        r.bootId(),
        inside,
        r.map());
  }

  @GuardedBy("this")
  private void keep(DeviceRecord next) {
    record = next;
    try {
      next.write(directory);
    } catch (IOException e) {
      LOG.warn(
          "device {}: what is known of its change map was not kept: {}", next.name(), e.toString());
    }
  }

  /** It is detached; on disk when it returns. */
  synchronized void detached() throws IOException {
    record = record.detached();
    record.write(directory);
  }
}
