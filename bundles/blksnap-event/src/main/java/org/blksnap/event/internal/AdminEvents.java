// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import java.util.HashMap;
import java.util.Map;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventTopics;
import org.osgi.service.event.Event;

/** Events as EventAdmin has them; {@link EventTopics} says what they carry. */
final class AdminEvents {
  private AdminEvents() {}

  static Event of(BlksnapEvent event) {
    return new Event(topic(event), properties(event));
  }

  private static String topic(BlksnapEvent event) {
    if (event instanceof BlksnapEvent.LowFreeSpace) {
      return EventTopics.LOW_FREE_SPACE;
    } else if (event instanceof BlksnapEvent.Corrupted) {
      return EventTopics.CORRUPTED;
    } else if (event instanceof BlksnapEvent.Taken) {
      return EventTopics.TAKEN;
    } else if (event instanceof BlksnapEvent.Destroyed) {
      return EventTopics.DESTROYED;
    } else {
      return EventTopics.NEW_GENERATION;
    }
  }

  private static Map<String, Object> properties(BlksnapEvent event) {
    Map<String, Object> properties = new HashMap<>();
    properties.put(EventTopics.TIMESTAMP, event.time().toEpochMilli());
    properties.put(EventTopics.ENGINE, event.engine());
    if (event instanceof BlksnapEvent.OfSnapshot ofSnapshot) {
      properties.put(EventTopics.SNAPSHOT, ofSnapshot.snapshot());
    }
    if (event instanceof BlksnapEvent.LowFreeSpace low) {
      properties.put(EventTopics.REQUESTED_BYTES, low.requestedBytes());
    } else if (event instanceof BlksnapEvent.Corrupted corrupted) {
      properties.put(EventTopics.DEVICE, corrupted.device());
      properties.put(EventTopics.MAJOR, corrupted.major());
      properties.put(EventTopics.MINOR, corrupted.minor());
      properties.put(EventTopics.ERROR, corrupted.error().code());
      properties.put(EventTopics.ERROR_NAME, corrupted.error().name());
      properties.put(EventTopics.DETAIL, corrupted.detail());
    } else if (event instanceof BlksnapEvent.Taken taken) {
      properties.put(EventTopics.DEVICES, taken.devices().toArray(new String[0]));
      properties.put(EventTopics.CONSISTENCY, taken.consistency().name());
      properties.put(EventTopics.REASONS, taken.reasons().toArray(new String[0]));
      properties.put(EventTopics.CRASH_CONSISTENT, taken.consistency() == Consistency.CRASH);
    } else if (event instanceof BlksnapEvent.NewGeneration generation) {
      properties.put(EventTopics.DEVICE, generation.device());
      properties.put(EventTopics.GENERATION_ID, generation.generationId());
      properties.put(EventTopics.REASON, generation.reason().name());
      properties.put(EventTopics.REASON_TEXT, generation.reason().text());
      properties.put(EventTopics.DETAIL, generation.detail());
    }
    return properties;
  }
}
