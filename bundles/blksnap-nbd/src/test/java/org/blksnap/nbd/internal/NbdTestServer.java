// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.nbd.internal.export.FakeChangeMap;
import org.blksnap.nbd.internal.export.FakeSnapshotService;
import org.blksnap.nbd.internal.export.FileDevice;
import org.blksnap.nbd.internal.export.FileImage;
import org.blksnap.nbd.internal.export.FileSource;

/**
 * Serves one file, for scripts: {@code NbdTestServer FILE SOCKET [EXPORT [IMAGE FILE [SOURCE
 * FILE]]]}. The change map of device and image says that every third block of 64 KiB changed at the
 * last of two takes. A line {@code KEY VALUE} of its standard input sets one key of the
 * configuration; it ends with its standard input.
 */
public final class NbdTestServer {
  private static final int BLOCKS_A_MARK = 16;

  private NbdTestServer() {}

  public static void main(String[] args) throws Exception {
    FileDevice device = new FileDevice(args.length > 2 ? args[2] : "disk", Path.of(args[0]));
    device.changes.number = 2;
    device.changes.map = new byte[(int) (device.capacity() / FakeChangeMap.BLOCK)];
    for (int i = 0; i < device.changes.map.length; i++) {
      device.changes.map[i] = (byte) (i / BLOCKS_A_MARK % 3);
    }
    FakeSnapshotService engine = new FakeSnapshotService(device);
    if (args.length > 4) {
      engine.images.add(new FileImage(args[3], device, Path.of(args[4])));
    }
    NbdComponent server = new NbdComponent();
    server.bindEngine(engine, Map.of(SnapshotService.ENGINE, "userspace"));
    if (args.length > 6) {
      server.bindSource(new FileSource(args[5], Path.of(args[6])), Map.of());
    }
    Map<String, Object> configuration = new HashMap<>(Map.of("socket_path", args[1]));
    server.start(null, configuration);
    System.out.println("ready");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] setting = line.split(" ", 2);
      configuration.put(setting[0], setting.length > 1 ? setting[1] : "");
      server.modified(configuration);
      server.examine().forEach(finding -> System.out.println(finding.observation()));
    }
    server.deactivate();
  }
}
