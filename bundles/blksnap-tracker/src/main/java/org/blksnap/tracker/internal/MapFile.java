// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.function.UnaryOperator;
import org.blksnap.api.block.BlockSizeRule;

/**
 * A change map's file, mapped into memory: what is stored there survives the process at once, and
 * the host with {@link #force}. {@link MapLayout} draws it.
 *
 * <p>A file appears under its name only when it is whole: it is made under another name and
 * renamed. The file it replaces is flagged as superseded before that, so that it can never be taken
 * for the present one, whatever happens to the rename.
 *
 * <p>Header writes exclude each other here; marks need no lock. Mappings end with their garbage
 * collection, since a reader may still be on the way.
 */
final class MapFile {
  /** Up to here a new file is written with zeroes, so that a full disk shows when it is made. */
  static final long PREALLOCATED_LIMIT = 64L << 20;

  private static final int ZEROES = 1 << 20;

  private final MappedByteBuffer head;
  private final MarkTable table;
  private final int count;

  @GuardedBy("this")
  private MapHeader header;

  private MapFile(FileChannel channel, MapHeader header) throws IOException {
    this.header = header;
    count = header.count();
    head = channel.map(FileChannel.MapMode.READ_WRITE, 0, MapLayout.HEADER_LENGTH);
    head.order(ByteOrder.LITTLE_ENDIAN);
    table =
        new MarkTable(
            segments(channel, MapLayout.HEADER_LENGTH, count),
            segments(channel, MapLayout.readMapAt(count), count));
  }

  private static MappedByteBuffer[] segments(FileChannel channel, long from, long blocks)
      throws IOException {
    long length = MapLayout.mapLength(blocks);
    long segment = 1L << MarkTable.SEGMENT_SHIFT;
    MappedByteBuffer[] segments = new MappedByteBuffer[(int) ((length + segment - 1) / segment)];
    for (int i = 0; i < segments.length; i++) {
      segments[i] =
          channel.map(
              FileChannel.MapMode.READ_WRITE,
              from + i * segment,
              Math.min(segment, length - i * segment));
    }
    return segments;
  }

  /** Makes a file with zero maps and this header; replaces what is there. */
  static MapFile create(Path path, MapHeader header, boolean forced) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      long length = MapLayout.fileLength(header.count());
      if (length <= PREALLOCATED_LIMIT) {
        ByteBuffer zeroes = ByteBuffer.allocateDirect((int) Math.min(length, ZEROES));
        for (long at = 0; at < length; ) {
          zeroes.clear().limit((int) Math.min(zeroes.capacity(), length - at));
          at += channel.write(zeroes, at);
        }
      } else {
        channel.write(ByteBuffer.allocate(1), length - 1);
        channel.write(ByteBuffer.allocate(MapLayout.HEADER_LENGTH), 0);
      }
      MapFile file = new MapFile(channel, header);
      file.store(header);
      if (forced) {
        channel.force(true);
      }
      return file;
    }
  }

  /** Maps a file that is there. */
  static MapFile open(Path path) throws IOException, MapHeader.Unreadable {
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      long size = channel.size();
      if (size < MapLayout.HEADER_LENGTH) {
        throw new MapHeader.Unreadable(
            "size " + size + ": shorter than the header of " + MapLayout.HEADER_LENGTH);
      }
      MapHeader header = newest(slot(channel, 0), slot(channel, MapLayout.PAGE));
      long wanted = MapLayout.fileLength(header.count());
      if (size != wanted
          || header.count() != BlockSizeRule.blocks(header.capacity(), header.shift())) {
        throw new MapHeader.Unreadable(
            "size "
                + size
                + ", a map of "
                + header.count()
                + " blocks for "
                + header.capacity()
                + " bytes has "
                + wanted);
      }
      return new MapFile(channel, header);
    }
  }

  private static byte[] slot(FileChannel channel, int at) throws IOException {
    ByteBuffer slot = ByteBuffer.allocate(MapLayout.SLOT_LENGTH);
    while (slot.hasRemaining() && channel.read(slot, at + slot.position()) > 0) {
      // a read may be short
    }
    return slot.array();
  }

  private static MapHeader newest(byte[] a, byte[] b) throws MapHeader.Unreadable {
    MapHeader other;
    try {
      other = MapHeader.decode(b);
    } catch (MapHeader.Unreadable unreadable) {
      return MapHeader.decode(a);
    }
    try {
      MapHeader first = MapHeader.decode(a);
      return first.sequence() > other.sequence() ? first : other;
    } catch (MapHeader.Unreadable unreadable) {
      return other;
    }
  }

  MarkTable table() {
    return table;
  }

  synchronized MapHeader header() {
    return header;
  }

  /** One step from the present header to the next. Not forced; memory stores only. */
  synchronized void update(UnaryOperator<MapHeader> step) {
    header = step.apply(header);
    store(header);
  }

  /**
   * As {@link #update}, and on disk when it returns. What stood in the newer slot is forced before
   * the older one is overwritten: a torn page leaves the newer one.
   */
  synchronized void updateForced(UnaryOperator<MapHeader> step) {
    head.force();
    update(step);
    head.force();
  }

  private void store(MapHeader next) {
    int at = MapLayout.slotOf(next.sequence());
    byte[] bytes = next.encode();
    head.putInt(at + MapLayout.CRC_AT, 0);
    VarHandle.fullFence();
    head.put(at, bytes, 0, MapLayout.CRC_AT);
    VarHandle.fullFence();
    head.put(at + MapLayout.CRC_AT, bytes, MapLayout.CRC_AT, Integer.BYTES);
    VarHandle.fullFence();
  }

  /** All of it to disk. Throws UncheckedIOException. */
  void force() {
    table.forceRead(0, MapLayout.mapLength(count));
    table.forceWrite(0, MapLayout.mapLength(count));
    head.force();
  }

  /** Puts the new file in the place of another; the old one must have been superseded. */
  static void rename(Path fresh, Path target) throws IOException {
    Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Makes a rename survive a power loss. */
  static void forceDirectory(Path file) throws IOException {
    try (FileChannel directory = FileChannel.open(file.toAbsolutePath().getParent())) {
      directory.force(true);
    }
  }
}
