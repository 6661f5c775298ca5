// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a pool is made of and how far it is filled, in a file that is right after a kill at any
 * instruction.
 *
 * <pre>
 * header, one page, little-endian
 * off len
 *   0   8  magic "BLKSNPDS"
 *   8   4  version, 1
 *  12   4  length of the header, 4096
 *  16  16  snapshot, RFC 4122 order
 *  32   4  CRC32C of bytes 0 to 31
 *  36  28  zero
 *  64   8  filled, bytes: the first address not yet handed out
 *  72   8  requested, sectors
 *  80   8  end of the last record, bytes from the beginning of the file
 *  88   8  1 where the pool had no room when it was last asked, else 0
 *  96   8  mark of whom the events went to last
 * 104      zero
 *
 * records ({@link RecordLayout}), one behind the other from 4096 on
 * </pre>
 *
 * <p>The words from 64 on lie in a mapped page and are single aligned stores, so each of them is
 * either old or new. {@code filled} is the allocator's own pointer, moved by compare-and-set right
 * there: an address is never handed out before the file says so. A record is written whole before
 * the end word moves over it: what lies behind the end does not exist.
 *
 * <p>Only {@link #force} forces it to disk, for a clean stop: after a power loss without one a
 * snapshot is void anyway. The file is written through {@link RandomAccessFile}, which a thread's
 * interrupt does not close.
 */
final class StateFile implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(StateFile.class);

  static final int OFF_MAGIC = 0;
  static final int OFF_VERSION = 8;
  static final int OFF_HEADER_LENGTH = 12;
  static final int OFF_SNAPSHOT = 16;
  static final int OFF_HEADER_CRC = 32;
  static final int OFF_FILLED = 64;
  static final int OFF_REQUESTED = 72;
  static final int OFF_END = 80;
  static final int OFF_OVERFLOWN = 88;
  static final int OFF_RECEIVER = 96;
  static final int HEADER_LENGTH = 4096;

  /** "BLKSNPDS" read as a little-endian long. */
  static final long MAGIC = 0x5344_504e_534b_4c42L;

  static final int VERSION = 1;

  /** Parts a pool may have; more are refused. */
  static final int MAX_RECORDS = 65_536;

  private static final VarHandle LONGS =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final UUID snapshot;
  private final RandomAccessFile file;
  private final MappedByteBuffer words;

  @GuardedBy("this")
  private int records;

  private StateFile(Path path, UUID snapshot, RandomAccessFile file, MappedByteBuffer words) {
    this.path = path;
    this.snapshot = snapshot;
    this.file = file;
    this.words = words;
  }

  /** A new one, without parts. Appears under its name only when it is whole. */
  static StateFile create(Path path, UUID snapshot, long requested) throws BlksnapException {
    ByteBuffer header = ByteBuffer.allocate(HEADER_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(OFF_MAGIC, MAGIC).putInt(OFF_VERSION, VERSION);
    header.putInt(OFF_HEADER_LENGTH, HEADER_LENGTH);
    header.order(ByteOrder.BIG_ENDIAN);
    header.putLong(OFF_SNAPSHOT, snapshot.getMostSignificantBits());
    header.putLong(OFF_SNAPSHOT + 8, snapshot.getLeastSignificantBits());
    header.order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(OFF_HEADER_CRC, RecordLayout.crc(header, OFF_HEADER_CRC));
    header.putLong(OFF_REQUESTED, requested).putLong(OFF_END, HEADER_LENGTH);
    Path fresh = path.resolveSibling(path.getFileName() + ".new");
    try {
      Files.deleteIfExists(fresh);
      Files.createFile(
          fresh,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      try (RandomAccessFile out = new RandomAccessFile(fresh.toFile(), "rw")) {
        out.write(header.array());
      }
      Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
      return map(path, snapshot);
    } catch (IOException e) {
      throw Failures.of(e, path, "making the difference storage's state file");
    }
  }

  /** Opens one; EFAULT with what is wrong where it cannot be trusted. */
  static StateFile open(Path path, UUID snapshot) throws BlksnapException {
    StateFile state;
    try {
      if (Files.size(path) < HEADER_LENGTH) {
        throw damaged(path, "it has " + Files.size(path) + " bytes, less than its header's 4096");
      }
      state = map(path, snapshot);
    } catch (IOException e) {
      throw Failures.of(e, path, "opening the difference storage's state file");
    }
    try {
      state.checkHeader();
      return state;
    } catch (BlksnapException e) {
      state.close();
      throw e;
    }
  }

  private static StateFile map(Path path, UUID snapshot) throws IOException {
    RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
    try {
      MappedByteBuffer words =
          file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, HEADER_LENGTH);
      words.order(ByteOrder.LITTLE_ENDIAN);
      return new StateFile(path, snapshot, file, words);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private void checkHeader() throws BlksnapException {
    if (words.getLong(OFF_MAGIC) != MAGIC) {
      throw damaged(path, "it does not begin with BLKSNPDS");
    }
    int version = words.getInt(OFF_VERSION);
    if (version != VERSION) {
      throw damaged(
          path,
          "its version is "
              + version
              + (version > VERSION ? ", newer than " : ", older than ")
              + VERSION
              + ", the one this bundle knows");
    }
    if (words.getInt(OFF_HEADER_CRC) != RecordLayout.crc(words, OFF_HEADER_CRC)) {
      throw damaged(path, "the header's checksum is wrong");
    }
    ByteBuffer big = words.duplicate().order(ByteOrder.BIG_ENDIAN);
    UUID owner = new UUID(big.getLong(OFF_SNAPSHOT), big.getLong(OFF_SNAPSHOT + 8));
    if (!owner.equals(snapshot)) {
      throw damaged(path, "it belongs to snapshot " + owner + ", not to " + snapshot);
    }
    if (word(OFF_END) < HEADER_LENGTH || filled() < 0) {
      throw damaged(path, "end " + word(OFF_END) + " or fill " + filled() + " is impossible");
    }
  }

  /** All parts, in the order they were added. EFAULT where one is damaged. */
  synchronized List<PartRecord> read() throws BlksnapException {
    List<PartRecord> found = new ArrayList<>();
    long end = word(OFF_END);
    long base = 0;
    try {
      if (end > file.length() || end > Integer.MAX_VALUE) {
        throw damaged(path, "its records end at " + end + ", it has " + file.length() + " bytes");
      }
      byte[] bytes = new byte[(int) end - HEADER_LENGTH];
      file.seek(HEADER_LENGTH);
      file.readFully(bytes);
      ByteBuffer all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      while (all.hasRemaining()) {
        PartRecord part = nextRecord(all);
        if (part.hasRoom()) {
          if (part.base() != base) {
            throw damaged(path, "a part begins at " + part.base() + ", not at " + base);
          }
          base += part.length();
        }
        found.add(part);
      }
    } catch (IOException e) {
      throw Failures.of(e, path, "reading the difference storage's state file");
    }
    if (filled() > base) {
      throw damaged(path, "it is filled up to " + filled() + ", its parts end at " + base);
    }
    records = found.size();
    return found;
  }

  private PartRecord nextRecord(ByteBuffer all) throws BlksnapException {
    int at = HEADER_LENGTH + all.position();
    PartRecord part = RecordLayout.decode(all);
    if (part == null) {
      throw damaged(path, "the record at byte " + at + " is cut off or its checksum is wrong");
    }
    return part;
  }

  /** Adds parts, all of them or none. */
  synchronized void append(List<PartRecord> parts) throws BlksnapException {
    if (records + parts.size() > MAX_RECORDS) {
      throw new BlksnapException(
          Errno.EINVAL,
          "difference storage of snapshot "
              + snapshot
              + ": "
              + parts.size()
              + " more ranges refused: it has "
              + records
              + ", allowed are "
              + MAX_RECORDS
              + "; give fewer and larger ones");
    }
    long end = word(OFF_END);
    try {
      file.seek(end);
      for (PartRecord part : parts) {
        byte[] record = RecordLayout.encode(part);
        file.write(record);
        end += record.length;
      }
    } catch (IOException e) {
      throw Failures.of(e, path, "writing the difference storage's state file");
    }
    LONGS.setVolatile(words, OFF_END, end); // the records are whole: now they exist
    records += parts.size();
  }

  /** The first address not yet handed out. */
  long filled() {
    return word(OFF_FILLED);
  }

  /** Moves the fill pointer on; false where somebody else moved it meanwhile. */
  boolean advance(long from, long to) {
    return LONGS.compareAndSet(words, OFF_FILLED, from, to);
  }

  /** Sectors. */
  long requested() {
    return word(OFF_REQUESTED);
  }

  void requested(long sectors) {
    LONGS.setVolatile(words, OFF_REQUESTED, sectors);
  }

  boolean overflown() {
    return word(OFF_OVERFLOWN) != 0;
  }

  void overflow(boolean over) {
    LONGS.setVolatile(words, OFF_OVERFLOWN, over ? 1L : 0L);
  }

  /** Notes whom events go to from now on; answers whom they went to before. */
  long receiver(long mark) {
    return (long) LONGS.getAndSet(words, OFF_RECEIVER, mark);
  }

  /** Everything is on disk when it returns. */
  void force() throws BlksnapException {
    try {
      words.force();
      file.getFD().sync();
    } catch (UncheckedIOException e) {
      throw Failures.of(e.getCause(), path, "forcing it to disk");
    } catch (IOException e) {
      throw Failures.of(e, path, "forcing it to disk");
    }
  }

  private long word(int offset) {
    return (long) LONGS.getVolatile(words, offset);
  }

  /** The words stay readable; the records do not. */
  @Override
  public void close() {
    try {
      file.close();
    } catch (IOException e) {
      LOG.warn("{}: closing it failed: {}", path, e.toString());
    }
  }

  void delete() throws IOException {
    close();
    Files.deleteIfExists(path);
  }

  private static BlksnapException damaged(Path path, String what) {
    return new BlksnapException(
        Errno.EFAULT,
        path
            + ": the state of a difference storage cannot be trusted: "
            + what
            + "; destroy the snapshot");
  }
}
