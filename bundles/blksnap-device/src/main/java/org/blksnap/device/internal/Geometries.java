// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Geometry;
import org.blksnap.linux.file.LastSector;
import org.blksnap.linux.proc.DeviceNumber;

/** Sizes, without opening anything. */
final class Geometries {
  private static final int USUAL_PAGE = 4096;

  private final SysBlock sys;

  Geometries(SysBlock sys) {
    this.sys = sys;
  }

  Geometry of(Path path, FileStat stat) {
    return stat.block() ? block(stat.number()) : file(path, stat);
  }

  private Geometry block(DeviceNumber number) {
    int logical = size(number, "queue/logical_block_size", ByteRange.SECTOR);
    int physical = size(number, "queue/physical_block_size", logical);
    return new Geometry(
        sectors(number) * ByteRange.SECTOR,
        logical,
        physical,
        size(number, "queue/minimum_io_size", physical),
        rotational(number),
        sys.attribute(number, "ro").filter("1"::equals).isPresent());
  }

  private Geometry file(Path path, FileStat stat) {
    int block = fileSystemBlock(path);
    return new Geometry(
        LastSector.wholeBytes(stat.size()),
        ByteRange.SECTOR,
        block,
        block,
        rotational(stat.home()),
        !Files.isWritable(path));
  }

  private long sectors(DeviceNumber number) {
    return sys.attribute(number, "size").map(Long::valueOf).orElse(0L);
  }

  private int size(DeviceNumber number, String file, int otherwise) {
    return sys.diskLong(number, file)
        .filter(value -> value >= ByteRange.SECTOR && value <= Integer.MAX_VALUE)
        .map(Long::intValue)
        .orElse(otherwise);
  }

  private boolean rotational(DeviceNumber number) {
    return sys.diskAttribute(number, "queue/rotational").filter("1"::equals).isPresent();
  }

  private static int fileSystemBlock(Path path) {
    try {
      long size = Files.getFileStore(path).getBlockSize();
      return size >= ByteRange.SECTOR && size <= 1 << 20 && Long.bitCount(size) == 1
          ? (int) size
          : USUAL_PAGE;
    } catch (IOException | RuntimeException unknown) {
      return USUAL_PAGE;
    }
  }
}
