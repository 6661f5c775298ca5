// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;
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
 *  88   8  1 where the pool has overflown, else 0
 *  96   8  mark of the process that holds the file
 * 104      zero
 *
 * records, one behind the other from 4096 on, little-endian
 *   0   4  length of the record, a multiple of 8
 *   4   4  CRC32C of the record, with this field zero
 *   8   1  kind: 1 range, 2 file made by us, 3 memory, 4 directory
 *   9   1  zero
 *  10   2  length of the key, bytes
 *  12   2  length of the path, bytes
 *  14   2  zero
 *  16   4  logical block, bytes
 *  20   4  zero
 *  24   8  base: where the part begins in the pool, bytes
 *  32   8  length of the part, bytes; a directory's limit
 *  40   8  offset in the file, bytes
 *  48      key, path (UTF-8), zeroes up to a multiple of 8
 * </pre>
 *
 * <p>The words from 64 on lie in a mapped page and are single aligned stores, so each of them is
 * either old or new. {@code filled} is the allocator's own pointer, moved by compare-and-set right
 * there: an address is never handed out before the file says so. A record is written whole before
 * the end word moves over it: what lies behind the end does not exist.
 *
 * <p>Nothing is forced to disk: after a power loss a snapshot is void anyway. The file is written
 * through {@link RandomAccessFile}, which a thread's interrupt does not close.
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
  static final int OFF_HOLDER = 96;
  static final int HEADER_LENGTH = 4096;

  static final int REC_LENGTH = 0;
  static final int REC_CRC = 4;
  static final int REC_KIND = 8;
  static final int REC_KEY_LENGTH = 10;
  static final int REC_PATH_LENGTH = 12;
  static final int REC_LOGICAL_BLOCK = 16;
  static final int REC_BASE = 24;
  static final int REC_PART_LENGTH = 32;
  static final int REC_OFFSET = 40;
  static final int REC_TEXT = 48;

  /** "BLKSNPDS" read as a little-endian long. */
  static final long MAGIC = 0x5344_504e_534b_4c42L;

  static final int VERSION = 1;

  /** Parts a pool may have; more are refused. */
  static final int MAX_RECORDS = 65_536;

  /** Longest key or path, bytes: both lengths are 16 bits. */
  static final int MAX_TEXT = 4_096;

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
    header.putInt(OFF_HEADER_CRC, crc(header, 0, OFF_HEADER_CRC));
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
    if (words.getInt(OFF_HEADER_CRC) != crc(words, 0, OFF_HEADER_CRC)) {
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
        PartRecord part = next(all);
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

  private PartRecord next(ByteBuffer all) throws BlksnapException {
    int length = all.remaining() < REC_TEXT ? -1 : all.getInt(all.position() + REC_LENGTH);
    if (length < REC_TEXT || length > all.remaining()) {
      throw damaged(path, "a record at " + (HEADER_LENGTH + all.position()) + " is cut off");
    }
    ByteBuffer record = all.slice(all.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    all.position(all.position() + length);
    int expected = record.getInt(REC_CRC);
    record.putInt(REC_CRC, 0);
    PartRecord.Kind kind = PartRecord.Kind.of(record.get(REC_KIND));
    if (crc(record, 0, length) != expected || kind == null) {
      throw damaged(path, "a record's checksum is wrong");
    }
    int keyLength = Short.toUnsignedInt(record.getShort(REC_KEY_LENGTH));
    int pathLength = Short.toUnsignedInt(record.getShort(REC_PATH_LENGTH));
    return new PartRecord(
        kind,
        record.getInt(REC_LOGICAL_BLOCK),
        record.getLong(REC_BASE),
        record.getLong(REC_PART_LENGTH),
        record.getLong(REC_OFFSET),
        text(record, REC_TEXT, keyLength),
        text(record, REC_TEXT + keyLength, pathLength));
  }

  private static String text(ByteBuffer record, int from, int length) {
    byte[] bytes = new byte[length];
    record.get(from, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
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
        byte[] record = encode(part);
        file.write(record);
        end += record.length;
      }
    } catch (IOException e) {
      throw Failures.of(e, path, "writing the difference storage's state file");
    }
    LONGS.setVolatile(words, OFF_END, end); // the records are whole: now they exist
    records += parts.size();
  }

  private static byte[] encode(PartRecord part) throws BlksnapException {
    byte[] key = part.key().getBytes(StandardCharsets.UTF_8);
    byte[] path = part.path().getBytes(StandardCharsets.UTF_8);
    if (key.length > MAX_TEXT || path.length > MAX_TEXT) {
      throw new BlksnapException(
          Errno.ENAMETOOLONG,
          "path of "
              + path.length
              + " bytes refused: allowed are "
              + MAX_TEXT
              + "; use a shorter one");
    }
    int length = (REC_TEXT + key.length + path.length + 7) & ~7;
    ByteBuffer record = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    record.putInt(REC_LENGTH, length).put(REC_KIND, (byte) part.kind().number);
    record.putShort(REC_KEY_LENGTH, (short) key.length);
    record.putShort(REC_PATH_LENGTH, (short) path.length);
    record.putInt(REC_LOGICAL_BLOCK, part.logicalBlock()).putLong(REC_BASE, part.base());
    record.putLong(REC_PART_LENGTH, part.length()).putLong(REC_OFFSET, part.offset());
    record.put(REC_TEXT, key).put(REC_TEXT + key.length, path);
    record.putInt(REC_CRC, crc(record, 0, length));
    return record.array();
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

  void overflow() {
    LONGS.setVolatile(words, OFF_OVERFLOWN, 1L);
  }

  /** Notes who holds the file now; answers who did before. */
  long holder(long mark) {
    return (long) LONGS.getAndSet(words, OFF_HOLDER, mark);
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

  private static int crc(ByteBuffer bytes, int from, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.slice(from, length));
    return (int) crc.getValue();
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
