// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Errno;
import org.blksnap.api.export.ExportSource;
import org.blksnap.api.health.Finding;
import org.blksnap.nbd.internal.export.FakeDevice;
import org.blksnap.nbd.internal.export.FakeSource;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireError;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A source that throws, lies or hangs: its own clients are told, and nobody else notices. */
@Timeout(60)
class SourceFaultsTest {
  private static final String NAME = SourceFixture.NAME;

  /** A device that does as badly as a test wants. */
  private static final class Faulty extends FakeDevice {
    volatile RuntimeException exception;
    volatile boolean lazy;

    Faulty() {
      super(NAME, SourceFixture.SIZE);
    }

    @Override
    public void read(ByteBuffer dst, long offset) throws IOException {
      if (exception != null) {
        throw exception;
      }
      if (lazy) {
        dst.put((byte) 1);
        return;
      }
      super.read(dst, offset);
    }

    @Override
    public List<AllocationExtent> allocation(long offset, long length, int limit)
        throws IOException {
      return lazy ? null : super.allocation(offset, length, limit);
    }
  }

  private final Faulty device = new Faulty();
  private SourceFixture world;
  private FakeSource source;

  @BeforeEach
  void open() throws IOException {
    world = new SourceFixture(device);
    source = world.source;
  }

  @AfterEach
  void close() throws IOException {
    world.close();
    ServerFixture.await("everything comes back", source::settled);
    ServerFixture.await("nothing open", () -> world.fixture.exports.sources().open() == 0);
  }

  /** The words with which an option is refused. */
  private static String refusal(RawClient client, String name) throws IOException {
    client.option(Wire.OPT_GO, RawClient.go(name));
    RawClient.Reply reply = client.reply();
    assertEquals(Wire.REP_ERR_UNKNOWN, reply.type());
    return reply.text();
  }

  private void assertOthersAreServed() throws IOException {
    try (RawClient other = world.fixture.connect().enter("disk", Mode.SIMPLE)) {
      assertEquals(512, other.read(Mode.SIMPLE, 0, 512).length);
    }
  }

  @Test
  void anOpeningThatFailsRefusesTheClientWithItsWords() throws IOException {
    try (RawClient client = world.fixture.connect().hello()) {
      source.failure = new IOException("the repository is locked");
      assertEquals("source kept: the repository is locked", refusal(client, NAME));
      source.failure = new BlksnapException(Errno.EBUSY, "somebody merges it");
      assertEquals("source kept: somebody merges it", refusal(client, NAME));
      source.failure = new IllegalStateException();
      assertEquals("source kept: IllegalStateException", refusal(client, NAME));
      source.failure = new NoClassDefFoundError("vendor/Repository");
      assertEquals("source kept: vendor/Repository", refusal(client, NAME));
      source.failure = null;
      assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_GO, RawClient.go(NAME)));
      assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
    }
    assertOthersAreServed();
  }

  @Test
  void aClientThatCannotBeToldIsHungUpOn() throws IOException {
    source.failure = new IOException("locked");
    try (RawClient client = world.fixture.connect().hello()) {
      client.option(Wire.OPT_EXPORT_NAME, NAME.getBytes("UTF-8"));
      assertTrue(client.atEnd());
    }
    assertOthersAreServed();
  }

  @Test
  void nothingOpenedIsAFailureToo() throws IOException {
    int[] released = new int[1];
    world
        .fixture
        .exports
        .sources()
        .arrived(
            new ExportSource() {
              @Override
              public String name() {
                return "nothing";
              }

              @Override
              public BlockDevice open() {
                return null;
              }

              @Override
              public void release(BlockDevice back) {
                released[0]++;
              }
            },
            2);
    try (RawClient client = world.fixture.connect().hello()) {
      assertEquals("source nothing: it opened no device", refusal(client, "nothing"));
    }
    assertEquals(0, released[0]);
  }

  @Test
  void aSourceThatCannotSayItsNameIsAFinding() {
    world
        .fixture
        .exports
        .sources()
        .arrived(
            new ExportSource() {
              @Override
              public String name() {
                throw new IllegalStateException("not yet");
              }

              @Override
              public BlockDevice open() {
                return device;
              }
            },
            2);
    List<Finding> findings = NbdFindings.sources(world.fixture.exports);
    assertEquals(1, findings.size());
    assertTrue(findings.get(0).observation().contains("not yet"), findings.toString());
    assertEquals(2, world.fixture.server.served().size());
  }

  private void assertReadFails() throws IOException {
    try (RawClient client = world.enter()) {
      client.request(Mode.SIMPLE, 0, Wire.CMD_READ, 1, 0, 512);
      assertEquals(WireError.EIO, client.chunk(512).error());
      device.exception = null;
      device.error = null;
      device.lazy = false;
      assertArrayEquals(Arrays.copyOf(device.bytes, 512), client.read(Mode.SIMPLE, 0, 512));
    }
    assertOthersAreServed();
  }

  @Test
  void anExceptionOfItsDeviceIsAnErrorOfThatRequest() throws IOException {
    device.exception = new IllegalStateException("No such device");
    assertReadFails();
  }

  @Test
  void anErrorOfItsDeviceIsAnErrorOfThatRequest() throws IOException {
    device.error = new NoClassDefFoundError("vendor/Index");
    assertReadFails();
  }

  /** The buffer has what somebody else read before. */
  @Test
  void aReadThatFillsNothingIsAnError() throws IOException {
    device.lazy = true;
    assertReadFails();
  }

  @Test
  void anAllocationThatIsNoneIsAnError() throws IOException {
    device.lazy = true;
    try (RawClient client =
        world.fixture.connect().enter(NAME, Mode.STRUCTURED, "base:allocation")) {
      client.request(Mode.STRUCTURED, 0, Wire.CMD_BLOCK_STATUS, 1, 0, 16384);
      assertEquals(WireError.EIO, client.chunk(0).error());
      device.lazy = false;
      client.read(Mode.STRUCTURED, 0, 512);
    }
  }

  /** One that says of itself that it is gone, while its service is here. */
  @Test
  void aDeviceThatIsGoneWhileItsSourceIsHereFailsAtOnce() throws IOException {
    try (RawClient client = world.enter()) {
      device.fault = Errno.ESTALE;
      client.request(Mode.SIMPLE, 0, Wire.CMD_READ, 1, 0, 512);
      assertEquals(WireError.ESHUTDOWN, client.chunk(512).error());
      assertEquals(1, source.opened.get());
    }
  }

  @Test
  void aSourceThatHangsHoldsItsOwnClientsAndOnlySoMany() throws Exception {
    CountDownLatch answer = new CountDownLatch(1);
    source.held = answer;
    int most = world.fixture.exports.sources().most();
    assertEquals(16, most);
    List<RawClient> waiting = new ArrayList<>();
    for (int i = 0; i < most; i++) {
      RawClient client = world.fixture.connect().hello();
      client.option(Wire.OPT_GO, RawClient.go(NAME));
      waiting.add(client);
    }
    ServerFixture.await("they hang", () -> source.waiting.get() == most);
    try (RawClient one = world.fixture.connect().hello()) {
      assertTrue(refusal(one, NAME).contains("16 clients have a source open"));
      assertEquals(Wire.REP_ACK, one.ask(Wire.OPT_GO, RawClient.go("disk")));
      assertEquals(512, one.read(Mode.SIMPLE, 0, 512).length);
    }
    List<Finding> findings = NbdFindings.sources(world.fixture.exports);
    assertEquals(1, findings.size(), findings.toString());
    waiting.remove(0).close();
    source.held = null;
    answer.countDown();
    for (RawClient client : waiting) {
      while (client.reply().type() != Wire.REP_ACK) {}
      assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
      client.close();
    }
  }

  @Test
  void aReadThatHangsHoldsUpNeitherTheServersUpdateNorItsClosing() throws Exception {
    CountDownLatch answer = new CountDownLatch(1);
    try (RawClient client = world.enter();
        RawClient other = world.fixture.connect().enter("disk", Mode.SIMPLE)) {
      client.read(Mode.SIMPLE, 0, 512);
      device.held = answer;
      client.request(Mode.SIMPLE, 0, Wire.CMD_READ, 1, 0, 512);
      ServerFixture.await("it hangs", () -> device.waiting.get() == 1);
      world.update();
      assertEquals(512, other.read(Mode.SIMPLE, 0, 512).length);
      assertOthersAreServed();
      world.fixture.server.close();
      assertThrows(IOException.class, () -> other.read(Mode.SIMPLE, 0, 512));
      assertEquals(0, source.released.get());
      device.held = null;
      answer.countDown();
      ServerFixture.await("it comes back", () -> source.released.get() == 1);
    }
  }
}
