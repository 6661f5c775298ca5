// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireError;
import org.blksnap.nbd.internal.server.ServerFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BlockStatusTest {
  private ServerFixture fixture;
  private RawClient client;

  @BeforeEach
  void connect() throws IOException {
    fixture = new ServerFixture();
    client = fixture.connect();
  }

  @AfterEach
  void close() throws IOException {
    client.close();
    fixture.close();
    // A worker that fails gives back what it holds after the connection has ended.
    ServerFixture.await("all buffers back", () -> fixture.server.shared().buffers().lent() == 0);
    ServerFixture.await("all contexts back", () -> fixture.server.shared().contexts().held() == 0);
  }

  @Test
  void allocationIsReported() throws IOException {
    Arrays.fill(fixture.device.bytes, 8192, 16384, (byte) 0);
    client.enter("disk", Mode.STRUCTURED, "base:allocation");
    assertArrayEquals(
        new int[] {1, 8192, 0, 8192, 3, 4096, 0}, status(Mode.STRUCTURED, 0, 0, 20480));
    assertArrayEquals(
        new int[] {1, 8192, 0}, status(Mode.STRUCTURED, Wire.CMD_FLAG_REQ_ONE, 0, 20480));
  }

  @Test
  void changesAreReportedAsBitmapAndByPoint() throws IOException {
    fixture.device.changes.number = 2;
    fixture.device.changes.map = new byte[] {0, 1, 2, 2, 0, 0};
    client.enter(
        "disk",
        Mode.STRUCTURED,
        "qemu:dirty-bitmap:blksnap",
        "blksnap:changed:" + fixture.device.changes.generation + ":0");
    client.request(Mode.STRUCTURED, 0, Wire.CMD_BLOCK_STATUS, 1, 0, 24576);
    assertArrayEquals(new int[] {1, 8192, 0, 8192, 1, 8192, 0}, ints(client.chunk(0)));
    RawClient.Chunk last = client.chunk(0);
    assertArrayEquals(new int[] {2, 4096, 0, 12288, 1, 8192, 0}, ints(last));
    assertEquals(1, last.flags());
  }

  @Test
  void anotherGenerationHasEverythingChanged() throws IOException {
    fixture.device.changes.number = 2;
    fixture.device.changes.map = new byte[6];
    client.enter("disk", Mode.STRUCTURED, "blksnap:changed:" + new java.util.UUID(1, 1) + ":5");
    assertArrayEquals(new int[] {1, 20480, 1}, status(Mode.STRUCTURED, 0, 4096, 20480));
  }

  @Test
  void extendedStatusHasWideDescriptors() throws IOException {
    fixture.device.changes.number = 1;
    fixture.device.changes.map = new byte[] {0, 1};
    client.enter(
        "disk", Mode.EXTENDED, "blksnap:changed:" + fixture.device.changes.generation + ":0");
    client.request(Mode.EXTENDED, 0, Wire.CMD_BLOCK_STATUS, 1, 0, 8192);
    RawClient.Chunk chunk = client.chunk(0);
    assertEquals(Wire.REPLY_BLOCK_STATUS_EXT, chunk.type());
    ByteBuffer data = ByteBuffer.wrap(chunk.data());
    assertEquals(1, data.getInt());
    assertEquals(2, data.getInt());
    assertEquals(4096, data.getLong());
    assertEquals(0, data.getLong());
    assertEquals(4096, data.getLong());
    assertEquals(1, data.getLong());
  }

  @Test
  void statusPayloadPicksContexts() throws IOException {
    fixture.device.changes.number = 1;
    fixture.device.changes.map = new byte[] {1, 1};
    client.enter("disk", Mode.EXTENDED, "base:allocation", "qemu:dirty-bitmap:since-0");
    byte[] pick = ByteBuffer.allocate(12).putLong(4096).putInt(2).array();
    client.request(Mode.EXTENDED, 32, Wire.CMD_BLOCK_STATUS, 1, 0, 12, pick);
    RawClient.Chunk chunk = client.chunk(0);
    assertEquals(1, chunk.flags());
    assertEquals(2, ByteBuffer.wrap(chunk.data()).getInt());
    byte[] unknown = ByteBuffer.allocate(12).putLong(4096).putInt(9).array();
    client.request(Mode.EXTENDED, 32, Wire.CMD_BLOCK_STATUS, 1, 0, 12, unknown);
    assertEquals(22, client.chunk(0).error());
  }

  @Test
  void statusPayloadOfNothingIsInvalidAlsoForAWorker() throws IOException {
    client.enter("disk", Mode.EXTENDED, "base:allocation");
    fixture.device.delayMillis = 20;
    byte[] flush = RawClient.bytes(Mode.EXTENDED, 0, Wire.CMD_FLUSH, 1, 0, 0);
    byte[] status = RawClient.bytes(Mode.EXTENDED, 32, Wire.CMD_BLOCK_STATUS, 2, 0, 0);
    client.out.write(ByteBuffer.allocate(96).put(flush).put(status).put(flush).array());
    for (int i = 0; i < 3; i++) {
      RawClient.Chunk chunk = client.chunk(0);
      assertEquals(chunk.cookie() == 2 ? WireError.EINVAL : 0, chunk.error());
    }
  }

  private int[] status(Mode mode, int flags, long offset, int length) throws IOException {
    client.request(mode, flags, Wire.CMD_BLOCK_STATUS, 1, offset, length);
    return ints(client.chunk(0));
  }

  private static int[] ints(RawClient.Chunk chunk) {
    ByteBuffer data = ByteBuffer.wrap(chunk.data());
    int[] ints = new int[data.remaining() / 4];
    data.asIntBuffer().get(ints);
    return ints;
  }
}
