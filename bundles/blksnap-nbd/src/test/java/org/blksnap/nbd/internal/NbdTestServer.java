// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import java.net.InetSocketAddress;
import java.nio.file.Path;

/**
 * Serves one file, for scripts: {@code NbdTestServer FILE SOCKET [EXPORT [PORT KEYSTORE
 * PASSWORDFILE]]}. Its change map says that every third block of 64 KiB changed at the last of two
 * takes. Ends with its standard input.
 */
public final class NbdTestServer {
  private static final int BLOCKS_A_MARK = 16;

  private NbdTestServer() {}

  public static void main(String[] args) throws Exception {
    String name = args.length > 2 ? args[2] : "disk";
    FileDevice device = new FileDevice(name, Path.of(args[0]));
    device.changes.number = 2;
    device.changes.map = new byte[(int) (device.capacity() / FakeChangeMap.BLOCK)];
    for (int i = 0; i < device.changes.map.length; i++) {
      device.changes.map[i] = (byte) (i / BLOCKS_A_MARK % 3);
    }
    Exports exports = new Exports(java.time.Duration.ofSeconds(1));
    exports.arrived("userspace", new FakeSnapshotService(device));
    try (NbdServer server = new NbdServer(exports, Limits.DEFAULTS)) {
      server.listen(ListenAddress.unix(Path.of(args[1])), null);
      if (args.length > 5) {
        server.listen(
            ListenAddress.tcp(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[3]))),
            TlsIdentity.load(Path.of(args[4]), Path.of(args[5]), false));
      }
      System.out.println("ready");
      while (System.in.read() >= 0) {
        continue;
      }
    }
  }
}
