// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.IoFlags;
import org.blksnap.nbd.internal.export.FakeDevice;
import org.blksnap.nbd.internal.export.FakeSnapshotService;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireError;
import org.blksnap.nbd.internal.server.ServerFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(30)
class TransmissionTest {
  private static final int SIZE = 4 << 20;
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

  @ParameterizedTest
  @EnumSource(Mode.class)
  void readsAreExactInEverySize(Mode mode) throws IOException {
    client.enter("disk", mode);
    for (int length : new int[] {1, 511, 4096, 65536, 300_001, 1 << 20, 3 << 20}) {
      assertArrayEquals(
          Arrays.copyOfRange(fixture.device.bytes, 777, 777 + length),
          client.read(mode, 777, length));
    }
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void writesAreExactInEverySize(Mode mode) throws IOException {
    client.enter("disk", mode);
    Random random = new Random(5);
    for (int length : new int[] {1, 511, 4096, 65536, 300_001, 1 << 20, 3 << 20}) {
      byte[] data = new byte[length];
      random.nextBytes(data);
      int flags = mode == Mode.EXTENDED ? Wire.CMD_FLAG_PAYLOAD_LEN : 0;
      assertEquals(0, client.write(mode, flags, 333, data));
      assertArrayEquals(data, Arrays.copyOfRange(fixture.device.bytes, 333, 333 + length));
    }
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void requestsInFlightAreAllAnswered(Mode mode) throws IOException {
    client.enter("disk", mode);
    fixture.device.delayMillis = 2;
    Set<Long> open = new HashSet<>();
    for (long cookie = 0; cookie < 200; cookie++) {
      client.request(mode, 0, Wire.CMD_READ, cookie, cookie * 4096, 4096);
      open.add(cookie);
    }
    while (!open.isEmpty()) {
      RawClient.Chunk chunk = client.chunk(4096);
      assertEquals(0, chunk.error());
      assertTrue(open.remove(chunk.cookie()));
      byte[] data = chunk.data();
      int skip = data.length - 4096;
      int at = (int) (chunk.cookie() * 4096);
      assertArrayEquals(
          Arrays.copyOfRange(fixture.device.bytes, at, at + 4096),
          Arrays.copyOfRange(data, skip, data.length));
    }
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void rangesOutsideTheExportAreRefused(Mode mode) throws IOException {
    client.enter("disk", mode);
    assertEquals(22, client.command(mode, 0, Wire.CMD_READ, SIZE - 1, 2));
    assertEquals(22, client.command(mode, 0, Wire.CMD_READ, -1, 2));
    assertEquals(22, client.command(mode, 0, Wire.CMD_TRIM, SIZE, 1));
    assertEquals(28, client.command(mode, 0, Wire.CMD_WRITE_ZEROES, SIZE, 1));
    assertEquals(28, client.write(mode, 0, SIZE - 1, new byte[2]));
    assertEquals(28, client.write(mode, 0, SIZE - 1, new byte[1 << 20]));
    assertEquals(1, client.read(mode, SIZE - 1, 1).length);
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void unknownCommandsAndFlagsAreInvalid(Mode mode) throws IOException {
    client.enter("disk", mode);
    assertEquals(22, client.command(mode, 0, 99, 0, 0));
    assertEquals(22, client.command(mode, 1 << 9, Wire.CMD_READ, 0, 1));
    assertEquals(22, client.command(mode, Wire.CMD_FLAG_NO_HOLE, Wire.CMD_TRIM, 0, 1));
    assertEquals(22, client.command(mode, Wire.CMD_FLAG_DF, Wire.CMD_CACHE, 0, 1));
    assertEquals(22, client.command(mode, 0, Wire.CMD_BLOCK_STATUS, 0, 4096));
    assertEquals(22, client.command(mode, 0, Wire.CMD_FLUSH, 1, 0));
  }

  @Test
  void zeroLengthRequestsSucceed() throws IOException {
    client.enter("disk", Mode.STRUCTURED);
    assertEquals(0, client.command(Mode.STRUCTURED, 0, Wire.CMD_READ, 0, 0));
    assertEquals(0, client.write(Mode.STRUCTURED, 0, 0, new byte[0]));
    assertEquals(0, client.command(Mode.STRUCTURED, 0, Wire.CMD_TRIM, 0, 0));
  }

  @Test
  void readOnlyExportRefusesEveryWrite() throws IOException {
    fixture.device.readOnly = true;
    client.enter("disk", Mode.SIMPLE);
    assertEquals(1, client.write(Mode.SIMPLE, 0, 0, new byte[512]));
    assertEquals(1, client.write(Mode.SIMPLE, 0, 0, new byte[1 << 20]));
    assertEquals(1, client.command(Mode.SIMPLE, 0, Wire.CMD_TRIM, 0, 512));
    assertEquals(1, client.command(Mode.SIMPLE, 0, Wire.CMD_WRITE_ZEROES, 0, 512));
    assertEquals(0, client.command(Mode.SIMPLE, 0, Wire.CMD_FLUSH, 0, 0));
  }

  @Test
  void flushTrimCacheAndZeroesReachTheDevice() throws IOException {
    Mode mode = Mode.STRUCTURED;
    client.enter("disk", mode);
    assertEquals(0, client.command(mode, 0, Wire.CMD_FLUSH, 0, 0));
    assertEquals(1, fixture.device.flushes.get());
    assertEquals(0, client.command(mode, Wire.CMD_FLAG_FUA, Wire.CMD_TRIM, 0, 4096));
    assertEquals(IoFlags.FUA, fixture.device.lastFlags);
    assertEquals(0, client.command(mode, Wire.CMD_FLAG_NO_HOLE, Wire.CMD_WRITE_ZEROES, 4096, 9));
    assertEquals(IoFlags.NO_HOLE, fixture.device.lastFlags);
    assertEquals(0, client.command(mode, 0, Wire.CMD_CACHE, 0, SIZE));
    assertArrayEquals(new byte[4105], Arrays.copyOf(fixture.device.bytes, 4105));
  }

  @Test
  void fastZeroThatIsNotFastIsNotSupported() throws IOException {
    client.enter("disk", Mode.STRUCTURED);
    assertEquals(
        95,
        client.command(Mode.STRUCTURED, Wire.CMD_FLAG_FAST_ZERO, Wire.CMD_WRITE_ZEROES, 0, 4096));
  }

  @Test
  void forcedWritesAreForcedWholeOrInPieces() throws IOException {
    client.enter("disk", Mode.SIMPLE);
    assertEquals(0, client.write(Mode.SIMPLE, Wire.CMD_FLAG_FUA, 0, new byte[4096]));
    assertEquals(IoFlags.FUA, fixture.device.lastFlags);
    assertEquals(0, client.write(Mode.SIMPLE, Wire.CMD_FLAG_FUA, 0, new byte[2 << 20]));
    assertEquals(1, fixture.device.flushes.get());
  }

  @Test
  void deviceErrorsAreTranslated() throws IOException {
    Errno[] faults = {
      Errno.EIO, Errno.EROFS, Errno.ENOSPC, Errno.ENOMEM, Errno.EFBIG, Errno.EBUSY, Errno.EFAULT
    };
    int[] wanted = {5, 1, 28, 12, 28, 5, 5};
    client.enter("disk", Mode.STRUCTURED);
    for (int i = 0; i < faults.length; i++) {
      fixture.device.fault = faults[i];
      assertEquals(wanted[i], client.command(Mode.STRUCTURED, 0, Wire.CMD_READ, 0, 512));
      assertEquals(wanted[i], client.write(Mode.STRUCTURED, 0, 0, new byte[1 << 20]));
    }
    fixture.device.fault = null;
    assertEquals(512, client.read(Mode.STRUCTURED, 0, 512).length);
  }

  @Test
  void longReadWithDontFragmentIsOneChunk() throws IOException {
    client.enter("disk", Mode.STRUCTURED);
    client.request(Mode.STRUCTURED, Wire.CMD_FLAG_DF, Wire.CMD_READ, 1, 0, 2 << 20);
    RawClient.Chunk chunk = client.chunk(0);
    assertEquals(1, chunk.flags());
    assertEquals(8 + (2 << 20), chunk.data().length);
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void longReadThatFailsTellsWhereWithoutLosingWhatCameBefore(Mode mode) throws IOException {
    client.enter("disk", mode);
    fixture.device.badFrom = 2 << 20;
    client.request(mode, 0, Wire.CMD_READ, 1, 4096, 3 << 20);
    long good = 4096;
    RawClient.Chunk chunk = client.chunk(0);
    while (chunk.type() == Wire.REPLY_OFFSET_DATA) {
      assertEquals(0, chunk.flags());
      good += chunk.data().length - 8;
      chunk = client.chunk(0);
    }
    assertEquals(WireError.EIO, chunk.error());
    if (mode != Mode.SIMPLE) {
      assertEquals(Wire.REPLY_ERROR_OFFSET, chunk.type());
      assertEquals(1, chunk.flags());
      assertTrue(good > 4096);
      assertEquals(good, ByteBuffer.wrap(chunk.data()).getLong(chunk.data().length - 8));
    }
    assertEquals(4096, client.read(mode, 0, 4096).length);
  }

  @Test
  void errorInAWorkerEndsTheConnectionInsteadOfHangingIt() throws IOException {
    client.enter("disk", Mode.SIMPLE);
    fixture.device.error = new LinkageError("injected");
    byte[] flush = RawClient.bytes(Mode.SIMPLE, 0, Wire.CMD_FLUSH, 1, 0, 0);
    byte[] two = Arrays.copyOf(flush, 2 * flush.length);
    System.arraycopy(flush, 0, two, flush.length, flush.length);
    client.out.write(two);
    assertTrue(client.atEnd());
  }

  @Test
  void repliesHaveTheirGoldenBytes() throws IOException {
    client.enter("disk", Mode.EXTENDED);
    client.request(Mode.EXTENDED, 0, Wire.CMD_READ, 0x0102030405060708L, 16, 1);
    byte[] golden = {
      0x6e,
      (byte) 0x8a,
      0x27,
      (byte) 0x8c,
      0,
      1,
      0,
      1,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      16,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      9,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      16,
      fixture.device.bytes[16]
    };
    assertArrayEquals(golden, client.in.readNBytes(golden.length));
  }

  @Test
  void disconnectEndsAfterOutstandingReplies() throws IOException {
    client.enter("disk", Mode.SIMPLE);
    fixture.device.delayMillis = 20;
    client.request(Mode.SIMPLE, 0, Wire.CMD_FLUSH, 1, 0, 0);
    client.request(Mode.SIMPLE, 0, Wire.CMD_FLUSH, 2, 0, 0);
    client.request(Mode.SIMPLE, 0, Wire.CMD_DISC, 3, 0, 0);
    assertEquals(3, client.chunk(0).cookie() + client.chunk(0).cookie());
    assertTrue(client.atEnd());
  }

  @Test
  void disconnectThatClaimsAPayloadIsStillOne() throws IOException {
    client.enter("disk", Mode.EXTENDED);
    byte[] read = RawClient.bytes(Mode.EXTENDED, 0, Wire.CMD_READ, 1, 0, 512);
    byte[] leave = RawClient.bytes(Mode.EXTENDED, 32, Wire.CMD_DISC, 2, 0, 1 << 20);
    client.out.write(ByteBuffer.allocate(64).put(read).put(leave).array());
    assertEquals(0, client.chunk(512).error());
    assertTrue(client.atEnd());
  }

  @Test
  void badMagicEndsTheConnection() throws IOException {
    client.enter("disk", Mode.SIMPLE);
    client.out.write(new byte[28]);
    assertTrue(client.atEnd());
  }

  @Test
  void oversizedWriteIsSwallowedAndRefused() throws IOException {
    client.enter("disk", Mode.SIMPLE);
    assertEquals(22, client.write(Mode.SIMPLE, 0, 0, new byte[(32 << 20) + 1]));
    assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
  }

  @Test
  void absurdWriteEndsTheConnection() throws IOException {
    client.enter("disk", Mode.SIMPLE);
    client.request(Mode.SIMPLE, 0, Wire.CMD_WRITE, 1, 0, 0xffff_ffffL);
    assertTrue(client.atEnd());
  }

  @Test
  void deviceOfAnUpdatedEngineIsFoundAgain() throws Exception {
    client.enter("disk", Mode.SIMPLE);
    client.read(Mode.SIMPLE, 0, 512);
    fixture.exports.left("userspace", fixture.engine);
    fixture.device.fault = Errno.ESHUTDOWN;
    client.request(Mode.SIMPLE, 0, Wire.CMD_READ, 1, 0, 512);
    FakeDevice next = new FakeDevice("disk", fixture.device.bytes);
    fixture.exports.arrived("userspace", new FakeSnapshotService(next));
    assertEquals(0, client.chunk(512).error());
  }

  @Test
  void detachedDeviceShutsDownAtOnce() throws IOException {
    client.enter("disk", Mode.SIMPLE);
    fixture.engine.devices.clear();
    fixture.device.fault = Errno.ESTALE;
    long begin = System.nanoTime();
    assertEquals(108, client.command(Mode.SIMPLE, 0, Wire.CMD_READ, 0, 512));
    assertTrue(System.nanoTime() - begin < 1_000_000_000L);
  }
}
