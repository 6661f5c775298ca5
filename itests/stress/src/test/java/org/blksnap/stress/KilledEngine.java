// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;

/**
 * A process with an engine that writes until it is killed. Arguments: its directory, the device,
 * the seed. Says generation and change number after the take, then a line every so many writes.
 */
final class KilledEngine {
  static final int BLOCK = 4096;
  static final int WRITES_A_LINE = 50;

  /** Blocks from here on are not written, so that much stays clean. */
  static final int BLOCKS = 512;

  private KilledEngine() {}

  public static void main(String[] arguments) throws Exception {
    Path root = Path.of(arguments[0]);
    EngineSubject subject = new EngineSubject(root);
    AttachedDevice device =
        subject.service().attach(AttachRequest.of(Path.of(arguments[1])).named("dev"));
    Snapshot snapshot = subject.service().create();
    snapshot.addDevice("dev");
    snapshot.appendStorageDirectory(Files.createDirectories(root.resolve("diff")), 256 << 20);
    snapshot.take();
    CbtInfo info = device.changes().info();
    System.out.println(info.generationId() + " " + info.changesNumber() + " " + snapshot.id());
    Random random = new Random(Long.parseLong(arguments[2]));
    byte[] content = new byte[BLOCK];
    for (int write = 1; ; write++) {
      random.nextBytes(content);
      long block = random.nextInt(BLOCKS);
      IoFlags flags = random.nextInt(20) == 0 ? IoFlags.FUA : IoFlags.NONE;
      device.write(ByteBuffer.wrap(content), block * BLOCK, flags);
      if (write % WRITES_A_LINE == 0) {
        System.out.println(write);
      }
    }
  }
}
