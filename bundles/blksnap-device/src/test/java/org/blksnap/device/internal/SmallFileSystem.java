// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.blksnap.contract.LoopDevice;

/**
 * A small file system of its own, mounted below a directory; the devices in it are closed with it.
 */
final class SmallFileSystem implements AutoCloseable {
  final Path point;
  private final LocalDeviceProvider provider;

  SmallFileSystem(Path directory, LocalDeviceProvider provider, String type) throws Exception {
    this.provider = provider;
    point = Files.createDirectories(directory.resolve("mnt"));
    assumeTrue(
        "root".equals(System.getProperty("user.name"))
            && Files.isWritable(Path.of("/dev/loop-control")),
        "SKIPPED: mounts need root");
    if (type.equals("tmpfs")) {
      LoopDevice.run("mount", "-t", "tmpfs", "-o", "size=16m", "none", point.toString());
      return;
    }
    Path image = directory.resolve("image");
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(320L << 20);
    }
    String make = "/usr/sbin/mkfs." + type;
    assumeTrue(Files.isExecutable(Path.of(make)), "SKIPPED: " + make + " is not installed");
    LoopDevice.run(make, "-q", image.toString());
    LoopDevice.run("mount", "-o", "loop", image.toString(), point.toString());
  }

  @Override
  public void close() throws Exception {
    provider.close();
    LoopDevice.run("umount", point.toString());
  }
}
