// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.Consistency;

/**
 * How events are named in EventAdmin, and what they carry.
 *
 * <pre>
 * property            type      on topic
 * timeLabel           Long      all; nanoseconds of the monotonic clock
 * snapshot            UUID      all of org/blksnap/snapshot
 * requestedSectors    Long      LOW_FREE_SPACE; 512-byte sectors
 * device              String    CORRUPTED, NEW_GENERATION
 * major, minor        Integer   CORRUPTED
 * error               Integer   CORRUPTED; positive errno
 * errorName           String    CORRUPTED; as ENOSPC
 * detail              String    CORRUPTED, NEW_GENERATION
 * devices             String[]  TAKEN
 * consistency         String    TAKEN; CRASH, FILE_SYSTEM or APPLICATION
 * reasons             String[]  TAKEN; why it is that and not more
 * crashConsistent     Boolean   TAKEN; true where the consistency is CRASH
 * generationId        UUID      NEW_GENERATION
 * reason              String    NEW_GENERATION; the constant's name
 * reasonText          String    NEW_GENERATION; for people
 * </pre>
 *
 * UUID is {@link UUID}.
 */
final class EventTopics {
  static final String LOW_FREE_SPACE = "org/blksnap/snapshot/LOW_FREE_SPACE";
  static final String CORRUPTED = "org/blksnap/snapshot/CORRUPTED";
  static final String TAKEN = "org/blksnap/snapshot/TAKEN";
  static final String DESTROYED = "org/blksnap/snapshot/DESTROYED";
  static final String NEW_GENERATION = "org/blksnap/tracker/NEW_GENERATION";

  private EventTopics() {}

  static String topic(BlksnapEvent event) {
    if (event instanceof BlksnapEvent.LowFreeSpace) {
      return LOW_FREE_SPACE;
    } else if (event instanceof BlksnapEvent.Corrupted) {
      return CORRUPTED;
    } else if (event instanceof BlksnapEvent.Taken) {
      return TAKEN;
    } else if (event instanceof BlksnapEvent.Destroyed) {
      return DESTROYED;
    } else {
      return NEW_GENERATION;
    }
  }

  static Map<String, Object> properties(BlksnapEvent event) {
    Map<String, Object> properties = new HashMap<>();
    properties.put("timeLabel", event.timeLabel());
    if (event instanceof BlksnapEvent.OfSnapshot ofSnapshot) {
      properties.put("snapshot", ofSnapshot.snapshot());
    }
    if (event instanceof BlksnapEvent.LowFreeSpace low) {
      properties.put("requestedSectors", low.requestedSectors());
    } else if (event instanceof BlksnapEvent.Corrupted corrupted) {
      properties.put("device", corrupted.device());
      properties.put("major", corrupted.major());
      properties.put("minor", corrupted.minor());
      properties.put("error", corrupted.error().code());
      properties.put("errorName", corrupted.error().name());
      properties.put("detail", corrupted.detail());
    } else if (event instanceof BlksnapEvent.Taken taken) {
      List<String> devices = taken.devices();
      properties.put("devices", devices.toArray(new String[0]));
      properties.put("consistency", taken.consistency().name());
      properties.put("reasons", taken.reasons().toArray(new String[0]));
      properties.put("crashConsistent", taken.consistency() == Consistency.CRASH);
    } else if (event instanceof BlksnapEvent.NewGeneration generation) {
      properties.put("device", generation.device());
      properties.put("generationId", generation.generationId());
      properties.put("reason", generation.reason().name());
      properties.put("reasonText", generation.reason().text());
      properties.put("detail", generation.detail());
    }
    return properties;
  }
}
