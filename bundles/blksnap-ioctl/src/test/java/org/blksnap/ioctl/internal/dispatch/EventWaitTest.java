// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import static org.blksnap.ioctl.internal.dispatch.Program.STRUCT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.UUID;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.ioctl.internal.layout.Seed;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EventWaitTest {
  private final Program program = new Program();
  private UUID id;
  private ModelEngine.Held held;

  @BeforeEach
  void createSnapshot() throws IOException {
    id = program.created();
    held = program.engine.snapshots.get(id);
  }

  private int waited(long millis) throws IOException {
    Seed.EVENT_ID.put(program.at(STRUCT), id);
    Seed.EVENT_TIMEOUT.put(program.at(STRUCT), millis);
    return program.control(Seed.WAIT_EVENT_CALL);
  }

  @Test
  void theFirstEventAsksForSpace() throws IOException {
    ByteBuffer struct = program.at(STRUCT);
    for (int i = 16; i < 4096 + 8; i++) {
      struct.put(i, (byte) 0xee);
    }
    assertEquals(0, waited(10));
    assertEquals(id, Seed.EVENT_ID.uuid(struct));
    assertEquals(10, Seed.EVENT_TIMEOUT.get(struct), "as it was");
    assertEquals(0, Seed.EVENT_CODE.get(struct));
    assertEquals(2097152, struct.getLong(32));
    for (int i = 40; i < 4096; i++) {
      assertEquals(0, struct.get(i));
    }
    assertEquals((byte) 0xee, struct.get(4096), "behind the struct");
    long age = System.nanoTime() - Seed.EVENT_TIME.get(struct);
    assertEquals(0, age / 60_000_000_000L, "of the monotonic clock, of the last minute");
    assertEquals(Errno.ENOENT.code(), waited(0));
    assertEquals(0, program.engine.subscriptions);
  }

  @Test
  void aLostImageIsNamedByItsNumbers() throws IOException {
    held.events.clear();
    held.events.add(
        new BlksnapEvent.Taken(
            Instant.now(),
            "model",
            id,
            java.util.List.of(),
            Consistency.CRASH,
            java.util.List.of()));
    held.events.add(
        new BlksnapEvent.Corrupted(
            Instant.now(), "model", id, "dm", 259, 70000, Errno.ENOSPC, "full"));
    assertEquals(0, waited(10));
    ByteBuffer struct = program.at(STRUCT);
    assertEquals(1, Seed.EVENT_CODE.get(struct));
    assertEquals(259, struct.getInt(32));
    assertEquals(70000, struct.getInt(36));
    assertEquals(28, struct.getInt(40));
  }

  @Test
  void anEventThatCannotBeHandedOverIsThereForTheNext() throws IOException {
    program.memory.readOnly(STRUCT + 4095);
    assertEquals(Errno.EFAULT.code(), waited(10));
    program.memory.readOnly(1 << 16);
    program.memory.goneAfter(1);
    assertThrows(CallerGone.class, () -> waited(10));
    program.memory.goneAfter(Integer.MAX_VALUE);
    assertEquals(0, waited(10));
    assertEquals(0, program.engine.subscriptions);
  }

  @Test
  void aSignalEndsAWaitButNotAnEvent() throws IOException {
    program.memory.interruptedAfter(0);
    assertEquals(0, waited(0xffffffffL), "it lay there");
    assertEquals(Errno.EINTR.code(), waited(0xffffffffL));
  }

  @Test
  void aTimeoutIsInMilliseconds() throws IOException {
    assertEquals(0, waited(0));
    long begun = System.nanoTime();
    assertEquals(Errno.ENOENT.code(), waited(30));
    long millis = (System.nanoTime() - begun) / 1_000_000;
    assertEquals(0, millis / 30 == 0 ? 1 : 0, "waited " + millis + " ms");
  }

  @Test
  void anEventOfAClockThatWasSetIsOfNow() {
    Instant now = Instant.ofEpochSecond(1_000_000);
    assertEquals(40, EventWait.monotonic(now.minusNanos(60), now, 100));
    assertEquals(100, EventWait.monotonic(now.plusSeconds(60), now, 100));
    assertEquals(100, EventWait.monotonic(now.minusSeconds(999_999), now, 100));
  }
}
