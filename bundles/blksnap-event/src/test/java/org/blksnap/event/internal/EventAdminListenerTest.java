// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.event.BlksnapEvent;
import org.junit.jupiter.api.Test;
import org.osgi.service.event.Event;
import org.osgi.service.event.EventAdmin;

class EventAdminListenerTest {
  private static final UUID ID = new UUID(1, 2);
  private static final Instant TIME = Instant.ofEpochMilli(5);
  private final List<Event> posted = new ArrayList<>();
  private final EventAdminListener listener =
      new EventAdminListener(
          new EventAdmin() {
            @Override
            public void postEvent(Event event) {
              posted.add(event);
            }

            @Override
            public void sendEvent(Event event) {
              throw new AssertionError("would wait for handlers");
            }
          });

  private void assertPosted(BlksnapEvent event, String topic, Map<String, Object> properties) {
    listener.onEvent(event);
    Event admin = posted.get(0);
    assertEquals(topic, admin.getTopic());
    assertEquals(properties.size() + 1, admin.getPropertyNames().length);
    properties.forEach((name, value) -> assertEquals(value, admin.getProperty(name), name));
  }

  @Test
  void lowFreeSpace() {
    assertPosted(
        new BlksnapEvent.LowFreeSpace(TIME, "userspace", ID, 2097152),
        "org/blksnap/snapshot/LOW_FREE_SPACE",
        Map.of("timestamp", 5L, "engine", "userspace", "snapshot", ID, "requestedBytes", 2097152L));
  }

  @Test
  void corrupted() {
    assertPosted(
        new BlksnapEvent.Corrupted(TIME, "userspace", ID, "sda", 8, 1, Errno.ENOSPC, "full"),
        "org/blksnap/snapshot/CORRUPTED",
        Map.of(
            "timestamp",
            5L,
            "engine",
            "userspace",
            "snapshot",
            ID,
            "device",
            "sda",
            "major",
            8,
            "minor",
            1,
            "error",
            28,
            "errorName",
            "ENOSPC",
            "detail",
            "full"));
  }

  @Test
  void taken() {
    listener.onEvent(
        new BlksnapEvent.Taken(
            TIME,
            "userspace",
            ID,
            List.of("sda", "sdb"),
            Consistency.CRASH,
            List.of("nobody held still")));
    assertEquals("org/blksnap/snapshot/TAKEN", posted.get(0).getTopic());
    assertArrayEquals(new String[] {"sda", "sdb"}, (String[]) posted.get(0).getProperty("devices"));
    assertEquals(true, posted.get(0).getProperty("crashConsistent"));
    assertEquals("CRASH", posted.get(0).getProperty("consistency"));
    assertArrayEquals(
        new String[] {"nobody held still"}, (String[]) posted.get(0).getProperty("reasons"));
  }

  @Test
  void destroyed() {
    assertPosted(
        new BlksnapEvent.Destroyed(TIME, "userspace", ID),
        "org/blksnap/snapshot/DESTROYED",
        Map.of("timestamp", 5L, "engine", "userspace", "snapshot", ID));
  }

  @Test
  void newGeneration() {
    assertPosted(
        new BlksnapEvent.NewGeneration(TIME, "userspace", "sda", ID, GenerationReason.WRAP, "d"),
        "org/blksnap/tracker/NEW_GENERATION",
        Map.of(
            "timestamp",
            5L,
            "engine",
            "userspace",
            "device",
            "sda",
            "generationId",
            ID,
            "reason",
            "WRAP",
            "reasonText",
            GenerationReason.WRAP.text(),
            "detail",
            "d"));
  }
}
