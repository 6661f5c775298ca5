// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.memory;

import java.nio.file.Path;
import java.util.Arrays;
import org.blksnap.api.block.Geometry;

/**
 * A block device in memory, with the kernel's filter when it is attached. What is written passes
 * the filter. Guarded by the monitor of the {@link MemoryKernel}.
 */
public final class MemoryDisk {
  final Path path;
  final int major;
  final int minor;
  byte[] content;
  String medium = "1";

  /** Null: not attached. */
  MemoryMap map;

  /** Null: in none. */
  MemorySnapshot member;

  /** Null: it has none. */
  MemoryImage image;

  MemoryDisk(Path path, int major, int minor, int capacity, byte fill) {
    this.path = path;
    this.major = major;
    this.minor = minor;
    this.content = new byte[capacity];
    Arrays.fill(content, fill);
  }

  public Path path() {
    return path;
  }

  /** {@code major:minor}. */
  public String number() {
    return major + ":" + minor;
  }

  Geometry geometry() {
    return new Geometry(content.length, 512, 512, 512, false, false);
  }

  void write(long offset, byte[] bytes) {
    if (map != null) {
      map.mark(offset, bytes.length);
    }
    if (image != null) {
      image.preserve(offset, bytes.length);
    }
    System.arraycopy(bytes, 0, content, (int) offset, bytes.length);
  }

  byte[] read(long offset, int length) {
    return Arrays.copyOfRange(content, (int) offset, (int) offset + length);
  }
}
