// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A process that has a file mapped for writing, and no descriptor of it; until its input ends. */
final class MappedBystander {
  private MappedBystander() {}

  public static void main(String[] arguments) throws Exception {
    MappedByteBuffer mapped;
    try (FileChannel file =
        FileChannel.open(
            Path.of(arguments[0]), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      mapped = file.map(FileChannel.MapMode.READ_WRITE, 0, file.size());
    }
    System.out.println("ready");
    if (System.in.read() < 0) {
      mapped.put(0, (byte) 7);
    }
  }
}
