// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.UUID;
import org.blksnap.api.block.Errno;

/**
 * Where the saved pages of each chunk are, which they are, and which of them are zeroes: three
 * arrays in a mapped file, 24 bytes a chunk, and the first error. Nothing here takes a lock: all
 * three are written under the lock of the chunk, {@code where} by the store thread that has claimed
 * its slot, the error under the lock of {@link Corruption}.
 *
 * <pre>
 *  offset        size
 *       0          64  {@link FileHeader}, magic "BLKSCHNK", count = chunks
 *      64           4  errno of the first error, 0 none; written after the two below
 *      68           4  bytes of its detail
 *      72         440  its detail, UTF-8
 *    4096   8 * count  where: storage address + 1, 0 none; padded to 4096
 *       …   8 * count  which: set of saved pages; padded to 4096
 *       …   8 * count  zero: set of saved pages that are zeroes and lie nowhere; padded to 4096
 * </pre>
 *
 * A map of up to {@link #PREALLOCATED} bytes is written out at once, so that a full disk shows when
 * the area is made and not when a page of it is first touched; a larger one is sparse.
 */
final class ChunkMap {
  static final String FILE = "chunks.map";
  static final long MAGIC = magic("BLKSCHNK");
  static final int ERROR = 64;
  static final int DETAIL_LENGTH = 68;
  static final int DETAIL = 72;
  static final int DETAIL_LIMIT = 440;
  static final int ARRAYS = 4096;

  /** Bytes; larger maps are sparse. */
  static final long PREALLOCATED = 64L << 20;

  private final ChunkGeometry geometry;
  private final MappedByteBuffer header;
  private final MappedLongs where;
  private final MappedLongs which;
  private final MappedLongs zero;

  private ChunkMap(FileChannel file, ChunkGeometry geometry) throws IOException {
    this.geometry = geometry;
    int count = geometry.chunkCount();
    header = file.map(FileChannel.MapMode.READ_WRITE, 0, ARRAYS);
    header.order(ByteOrder.LITTLE_ENDIAN);
    where = new MappedLongs(file, ARRAYS, count);
    which = new MappedLongs(file, ARRAYS + padded(count), count);
    zero = new MappedLongs(file, ARRAYS + 2 * padded(count), count);
  }

  static ChunkMap create(Path directory, ChunkGeometry geometry, UUID snapshot) throws IOException {
    try (FileChannel file =
        FileChannel.open(
            directory.resolve(FILE),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      long size = size(geometry);
      if (size <= PREALLOCATED) {
        Zeroes.fill(file, 0, size);
      } else {
        Zeroes.fill(file, size - 1, size);
      }
      ByteBuffer first = header(geometry, snapshot).encode();
      Zeroes.writeFully(file, first, 0);
      return new ChunkMap(file, geometry);
    }
  }

  /** Cut as the file says, whatever the parameters are by now. EFAULT: it is not this area's. */
  static ChunkMap open(Path directory, long capacity, UUID snapshot) throws IOException {
    Path path = directory.resolve(FILE);
    if (!Files.isRegularFile(path)) {
      throw FileHeader.damaged(path, "there is none in " + directory);
    }
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      FileHeader found = FileHeader.read(file, path, MAGIC);
      ChunkGeometry cut = found.geometry();
      ChunkGeometry geometry = new ChunkGeometry(capacity, cut.chunkShift(), cut.pageShift());
      found.verify(header(geometry, snapshot), path);
      if (file.size() != size(geometry)) {
        throw FileHeader.damaged(
            path, "it has " + file.size() + " bytes, must have " + size(geometry));
      }
      return new ChunkMap(file, geometry);
    }
  }

  ChunkGeometry geometry() {
    return geometry;
  }

  /** The set of saved pages; acquires. */
  long which(int chunk) {
    return which.get(chunk);
  }

  /** Releases: what the pages hold is readable before they are in the set. */
  void which(int chunk, long pages) {
    which.set(chunk, pages);
  }

  /** The set of saved pages that are zeroes; memory wins over it. */
  long zero(int chunk) {
    return zero.get(chunk);
  }

  void zero(int chunk, long pages) {
    zero.set(chunk, pages);
  }

  /** Storage address of the chunk, -1 where it has none. */
  long where(int chunk) {
    return where.get(chunk) - 1;
  }

  void where(int chunk, long address) {
    where.set(chunk, address + 1);
  }

  Errno error() {
    int code = header.getInt(ERROR);
    return code == 0 ? Errno.OK : Errno.of(code);
  }

  String detail() {
    int length = Math.max(0, Math.min(header.getInt(DETAIL_LENGTH), DETAIL_LIMIT));
    byte[] text = new byte[length];
    header.get(DETAIL, text);
    return new String(text, StandardCharsets.UTF_8);
  }

  void error(Errno error, String detail) {
    byte[] text = detail.getBytes(StandardCharsets.UTF_8);
    if (text.length > DETAIL_LIMIT) {
      text = Arrays.copyOf(text, characterStart(text, DETAIL_LIMIT));
    }
    header.put(DETAIL, text);
    header.putInt(DETAIL_LENGTH, text.length);
    VarHandle.releaseFence();
    header.putInt(ERROR, error.code());
  }

  private static int characterStart(byte[] text, int from) {
    int at = from;
    while ((text[at] & 0xC0) == 0x80) {
      at--;
    }
    return at;
  }

  private static FileHeader header(ChunkGeometry geometry, UUID snapshot) {
    return new FileHeader(MAGIC, geometry, geometry.chunkCount(), snapshot);
  }

  private static long size(ChunkGeometry geometry) {
    return ARRAYS + 3 * padded(geometry.chunkCount());
  }

  private static long padded(int count) {
    return ((long) count * Long.BYTES + ARRAYS - 1) / ARRAYS * ARRAYS;
  }

  /** Eight ASCII characters as they stand in the file, read as a little-endian long. */
  static long magic(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII))
        .order(ByteOrder.LITTLE_ENDIAN)
        .getLong();
  }
}
