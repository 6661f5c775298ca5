// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import java.io.IOException;
import java.util.Random;
import org.blksnap.api.export.Export;
import org.blksnap.nbd.internal.export.FakeDevice;
import org.blksnap.nbd.internal.export.FakeSource;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.session.Limits;

/** A server with the device {@code disk} and a source of random bytes named {@code kept}. */
final class SourceFixture implements AutoCloseable {
  static final int SIZE = 1 << 20;
  static final String NAME = "kept";

  final ServerFixture fixture;
  final FakeDevice device;
  final FakeSource source;

  SourceFixture() throws IOException {
    this(new FakeDevice(NAME, SIZE));
  }

  SourceFixture(FakeDevice device) throws IOException {
    fixture = new ServerFixture();
    this.device = device;
    new Random(2).nextBytes(device.bytes);
    source = new FakeSource(NAME, device);
    fixture.exports.sources().arrived(source, 1);
  }

  RawClient enter() throws IOException {
    return fixture.connect().enter(NAME, Mode.SIMPLE);
  }

  Export export(String name) {
    return fixture.server.served().stream()
        .filter(each -> each.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** What an update of the server's bundle does. */
  void update() throws IOException {
    var left = fixture.server.park();
    NbdServer next = new NbdServer(fixture.exports, Limits.DEFAULTS);
    next.adopt(left);
    next.listen(ListenAddress.unix(fixture.socket), null);
    fixture.server = next;
  }

  @Override
  public void close() throws IOException {
    fixture.close();
  }
}
