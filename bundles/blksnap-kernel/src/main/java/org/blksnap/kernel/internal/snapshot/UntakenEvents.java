// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.enginebase.record.RecordFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Events that the kernel has handed over and nobody has taken yet, in {@code events.record} of the
 * snapshot: an event is gone from the kernel once it is answered, so it is written down before it
 * is offered, and told anew by the engine's successor. Monitor: the list and the file.
 */
final class UntakenEvents {
  private static final Logger LOG = LoggerFactory.getLogger(UntakenEvents.class);
  private static final String KIND = "kernel-events";
  private static final String FILE = "events.record";

  private final Path directory;
  private final String engine;
  private final UUID snapshot;

  @GuardedBy("this")
  private final List<BlksnapEvent.OfSnapshot> events = new ArrayList<>();

  /** What a predecessor left is there. */
  UntakenEvents(Path directory, String engine, UUID snapshot) {
    this.directory = directory;
    this.engine = engine;
    this.snapshot = snapshot;
    try {
      if (Files.exists(directory.resolve(FILE))) {
        events.addAll(read(RecordFile.read(directory.resolve(FILE), KIND)));
      }
    } catch (IOException | RuntimeException e) {
      LOG.warn("snapshot {}: events that were left are lost: {}", snapshot, e.toString());
    }
  }

  synchronized List<BlksnapEvent.OfSnapshot> all() {
    return List.copyOf(events);
  }

  /** As in the queue that it waits in, the oldest request for space gives way. */
  synchronized void add(BlksnapEvent.OfSnapshot event) {
    if (events.size() >= EventSubscription.CAPACITY) {
      events.stream()
          .filter(BlksnapEvent.LowFreeSpace.class::isInstance)
          .findFirst()
          .ifPresent(events::remove);
    }
    events.add(event);
    keep();
  }

  synchronized void taken(BlksnapEvent.OfSnapshot event) {
    if (events.remove(event)) {
      keep();
    }
  }

  @GuardedBy("this")
  private void keep() {
    Map<String, String> values = new TreeMap<>();
    values.put("events", Integer.toString(events.size()));
    for (int i = 0; i < events.size(); i++) {
      put(values, i + ".", events.get(i));
    }
    try {
      RecordFile.write(directory.resolve(FILE), KIND, values);
    } catch (IOException e) {
      LOG.warn("snapshot {}: an event would not outlive this process: {}", snapshot, e.toString());
    }
  }

  private static void put(
      Map<String, String> values, String prefix, BlksnapEvent.OfSnapshot event) {
    values.put(prefix + "time", event.time().toString());
    if (event instanceof BlksnapEvent.LowFreeSpace low) {
      values.put(prefix + "requested", Long.toString(low.requestedBytes()));
    } else if (event instanceof BlksnapEvent.Corrupted lost) {
      values.put(prefix + "device", lost.device());
      values.put(prefix + "major", Integer.toString(lost.major()));
      values.put(prefix + "minor", Integer.toString(lost.minor()));
      values.put(prefix + "error", lost.error().name());
      values.put(prefix + "detail", lost.detail());
    }
  }

  private List<BlksnapEvent.OfSnapshot> read(Map<String, String> values) {
    List<BlksnapEvent.OfSnapshot> read = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(values.get("events")); i++) {
      String prefix = i + ".";
      Instant time = Instant.parse(values.get(prefix + "time"));
      String requested = values.get(prefix + "requested");
      read.add(
          requested != null
              ? new BlksnapEvent.LowFreeSpace(time, engine, snapshot, Long.parseLong(requested))
              : new BlksnapEvent.Corrupted(
                  time,
                  engine,
                  snapshot,
                  values.get(prefix + "device"),
                  Integer.parseInt(values.get(prefix + "major")),
                  Integer.parseInt(values.get(prefix + "minor")),
                  Errno.valueOf(values.get(prefix + "error")),
                  values.get(prefix + "detail")));
    }
    return read;
  }
}
