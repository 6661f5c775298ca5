// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.session.Limits;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that ask for much and read nothing, and what others notice of them: nothing. */
@Timeout(120)
class HostileClientsTest {
  private static final int SIZE = 40 << 20;
  private static final int LONGEST = 32 << 20;
  private static final int HOSTILE = 12;

  /** Bytes a read: great ones first, then what still fits beside them. */
  private static final int[] LENGTHS = {
    LONGEST, LONGEST, LONGEST, LONGEST, LONGEST, LONGEST, LONGEST, LONGEST, LONGEST, LONGEST,
    16 << 20, 16 << 20, 8 << 20, 8 << 20, 4 << 20, 4 << 20, 2 << 20, 2 << 20, 1 << 20, 1 << 20,
    1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20,
    600 << 10, 600 << 10, 600 << 10, 600 << 10, 600 << 10, 600 << 10
  };

  /** Longest time a well-behaved client's requests may take beside the hostile ones. */
  private static final Duration BOUND = Duration.ofSeconds(8);

  private final List<RawClient> hostile = new ArrayList<>();
  private ServerFixture fixture;

  @BeforeEach
  void open() throws IOException {
    fixture = new ServerFixture(Limits.DEFAULTS, SIZE);
  }

  @AfterEach
  void close() throws IOException {
    for (RawClient client : hostile) {
      client.close();
    }
    fixture.close();
    ServerFixture.await("all buffers back", () -> fixture.server.shared().buffers().lent() == 0);
  }

  /** Long reads whose replies are never taken, until the server holds all it will hold of them. */
  private void besiege() throws IOException {
    for (int length : LENGTHS) {
      RawClient client = fixture.connect().enter("disk", Mode.SIMPLE);
      hostile.add(client);
      for (int k = 0; k < 8; k++) {
        client.request(Mode.SIMPLE, 0, Wire.CMD_READ, k, 0, length);
      }
    }
    long before = -1;
    for (int same = 0; same < 20; ) {
      long now = fixture.server.shared().buffers().lent();
      same = now == before ? same + 1 : 0;
      before = now;
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  private void forcedWritesAllSucceed(RawClient client) throws IOException {
    byte[] data = new byte[64 << 10];
    Arrays.fill(data, (byte) 7);
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int i = 0; i < 8; i++) {
      all.write(
          RawClient.bytes(
              Mode.SIMPLE,
              Wire.CMD_FLAG_FUA,
              Wire.CMD_WRITE,
              i,
              (long) i * data.length,
              data.length,
              data));
    }
    assertTimeoutPreemptively(
        BOUND,
        () -> {
          client.out.write(all.toByteArray());
          for (int i = 0; i < 8; i++) {
            assertEquals(0, client.chunk(0).error());
          }
        });
    assertArrayEquals(data, Arrays.copyOf(fixture.device.bytes, data.length));
  }

  @Test
  void writerBesideClientsThatReadNothingHasAllItsRequestsDone() throws IOException {
    try (RawClient writer = fixture.connect().enter("disk", Mode.SIMPLE)) {
      besiege();
      forcedWritesAllSucceed(writer);
    }
  }

  @Test
  void clientThatComesBesideClientsThatReadNothingIsServed() throws IOException {
    besiege();
    assertTimeoutPreemptively(
        BOUND,
        () -> {
          try (RawClient late = fixture.connect().enter("disk", Mode.SIMPLE)) {
            forcedWritesAllSucceed(late);
            assertEquals(LONGEST, late.read(Mode.SIMPLE, 0, LONGEST).length);
          }
        });
  }

  @Test
  void manySmallRequestsOfAClientThatReadsNothingHoldUpNobody() throws IOException {
    fixture.device.delayMillis = 1;
    for (int i = 0; i < HOSTILE; i++) {
      RawClient client = fixture.connect().enter("disk", Mode.STRUCTURED);
      hostile.add(client);
      for (int k = 0; k < 60; k++) {
        client.request(Mode.STRUCTURED, 0, Wire.CMD_READ, k, 0, 1 << 20);
      }
    }
    try (RawClient writer = fixture.connect().enter("disk", Mode.SIMPLE)) {
      forcedWritesAllSucceed(writer);
    }
  }
}
