// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The buffers of chunks in memory: slots of one chunk each, in a mapped file, so that what is not
 * yet stored outlives the process. A page lies in its slot where it lies in its chunk.
 *
 * <pre>
 *  offset             size
 *       0               64  {@link FileHeader}, magic "BLKSSLOT", count = slots
 *    4096       16 * slots  for each slot: chunk held + 1, 0 none (8); set of pages held (8)
 *   20480  chunk size each  the slots
 * </pre>
 *
 * <p>A slot is <b>free</b> (its bit is set), <b>taken</b> (no bit, no owner; whoever took it fills
 * it or gives it back) or <b>holding</b> (an owner; everything about it is then guarded by the lock
 * of the chunk it holds). The owner is written after the data, the pages after the owner; a free
 * slot holds no pages. A successor believes the pages alone.
 *
 * <p>How far the file reaches: the first {@code backed} slots have allocated disk space and can be
 * taken. The store worker adds some when they run short, up to {@link #slots}. When nothing was
 * queued for a while and more are free than {@code free_diff_buffer_pool_size} it gives the last
 * ones back to the file system, but never the first {@link #RESERVED}. Where the file system is
 * full, the number simply stays. Slots larger than {@link #SPARSE_FROM} get their space when
 * touched.
 */
final class BufferSlots implements AutoCloseable {
  static final String FILE = "queue.buf";
  static final long MAGIC = ChunkMap.magic("BLKSSLOT");
  static final int NONE = -1;
  static final int TABLE = 4096;
  static final int DATA = 20480;

  /** Most slots, whatever their size: as many as the table has room for. */
  static final int MOST = 1024;

  /** Fewest slots, whatever their size. */
  static final int FEWEST = 4;

  /** Bytes backed from the beginning, before a take goes on; the store worker adds the rest. */
  static final long FIRST_BACKED = 8L << 20;

  /** Bytes backed always: the store worker adds them at once. */
  static final long ALWAYS_BACKED = 32L << 20;

  /** Bytes added at a time. */
  static final long STEP = 4L << 20;

  /** Slots that are always kept. */
  static final int RESERVED = 4;

  /** Larger slots are not written out when they are added. */
  static final int SPARSE_FROM = 4 << 20;

  private static final int MAPPING_LIMIT_SHIFT = 30;

  private final FileChannel file;
  private final int slots;
  private final int slotSize;
  private final MappedLongs table;
  private final int perMapping;
  private final ByteBuffer[] mappings;
  private final ByteBuffer[] views;
  private final ByteBuffer[] storeViews;
  private final AtomicLongArray free;

  /** Written by the constructor, then by the leader of the store threads alone. */
  private volatile int backed;

  private BufferSlots(FileChannel file, int slots, int slotSize, int backed) throws IOException {
    this.file = file;
    this.slots = slots;
    this.slotSize = slotSize;
    this.backed = backed;
    table = new MappedLongs(file, TABLE, 2 * slots);
    perMapping = Math.max(1, (1 << MAPPING_LIMIT_SHIFT) / slotSize);
    mappings = new ByteBuffer[(slots + perMapping - 1) / perMapping];
    views = new ByteBuffer[slots];
    storeViews = new ByteBuffer[slots];
    free = new AtomicLongArray(MOST / Long.SIZE);
    map();
    file.truncate(end(backed));
    for (int slot = 0; slot < backed; slot++) {
      if (pages(slot) == 0) {
        table.set(2 * slot, 0);
        setFree(slot);
      }
    }
  }

  /** {@code budget}: bytes that slots of common size share, see {@link #count}. */
  static BufferSlots create(Path directory, ChunkGeometry geometry, UUID snapshot, long budget)
      throws IOException {
    FileChannel file =
        FileChannel.open(
            directory.resolve(FILE),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    try {
      int slots = count(geometry, budget);
      Zeroes.fill(file, 0, DATA);
      int first = (int) Math.max(FEWEST, Math.min(slots, FIRST_BACKED / geometry.chunkSize()));
      extend(file, geometry.chunkSize(), 0, first);
      Zeroes.writeFully(file, new FileHeader(MAGIC, geometry, slots, snapshot).encode(), 0);
      return new BufferSlots(file, slots, geometry.chunkSize(), first);
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /** EFAULT: it is not this area's, or pages it must hold are missing. */
  static BufferSlots open(Path directory, ChunkGeometry geometry, UUID snapshot)
      throws IOException {
    Path path = directory.resolve(FILE);
    if (!Files.isRegularFile(path)) {
      throw FileHeader.damaged(path, "there is none in " + directory);
    }
    FileChannel file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      FileHeader found = FileHeader.read(file, path, MAGIC);
      int slots = found.count();
      found.verify(new FileHeader(MAGIC, geometry, slots, snapshot), path);
      if (slots < FEWEST || slots > MOST) {
        throw FileHeader.damaged(
            path, "it has " + slots + " slots, may have " + FEWEST + " to " + MOST);
      }
      int backed = (int) Math.min(slots, (file.size() - DATA) >> geometry.chunkShift());
      if (backed < FEWEST) {
        throw FileHeader.damaged(path, "it is cut short at " + file.size() + " bytes");
      }
      BufferSlots opened = new BufferSlots(file, slots, geometry.chunkSize(), backed);
      opened.verify(geometry, path);
      return opened;
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private void verify(ChunkGeometry geometry, Path path) throws IOException {
    for (int slot = 0; slot < slots; slot++) {
      long pages = pages(slot);
      long owner = table.get(2 * slot) - 1;
      if (pages == 0) {
        continue;
      }
      if (slot >= backed
          || owner < 0
          || owner >= geometry.chunkCount()
          || (pages & ~geometry.allPages((int) owner)) != 0) {
        throw FileHeader.damaged(
            path, "slot " + slot + " holds pages of chunk " + owner + " that can not be");
      }
    }
  }

  int slots() {
    return slots;
  }

  int backed() {
    return backed;
  }

  /** A free slot, now the caller's, or {@link #NONE}. */
  int tryTake() {
    for (int word = 0; word < free.length(); word++) {
      long bits = free.get(word);
      while (bits != 0) {
        long lowest = Long.lowestOneBit(bits);
        if (free.compareAndSet(word, bits, bits & ~lowest)) {
          return word * Long.SIZE + Long.numberOfTrailingZeros(lowest);
        }
        bits = free.get(word);
      }
    }
    return NONE;
  }

  int freeCount() {
    int count = 0;
    for (int word = 0; word < free.length(); word++) {
      count += Long.bitCount(free.get(word));
    }
    return count;
  }

  /** A taken slot becomes holding; its data is in place. */
  void hold(int slot, int chunk) {
    table.set(2 * slot, chunk + 1L);
  }

  /** A holding slot with no pages, or a taken one, becomes free. */
  void release(int slot) {
    table.set(2 * slot, 0);
    setFree(slot);
  }

  /** The chunk a slot holds, or {@link #NONE}. */
  int chunk(int slot) {
    return (int) table.get(2 * slot) - 1;
  }

  long pages(int slot) {
    return table.get(2 * slot + 1);
  }

  void pages(int slot, long pages) {
    table.set(2 * slot + 1, pages);
  }

  /** The slot's bytes; for whoever took it or has the lock of its chunk. */
  ByteBuffer view(int slot, int from, int to) {
    return views[slot].limit(to).position(from);
  }

  /** The slot's bytes; for the store thread that has claimed it. */
  ByteBuffer storeView(int slot, int from, int to) {
    return storeViews[slot].limit(to).position(from);
  }

  /** True where the two slots, the first before the second, can be {@link #span}ned. */
  boolean sameMapping(int first, int second) {
    return second < slots && first / perMapping == second / perMapping;
  }

  /** The bytes of slots one behind the other; for the store thread that has claimed them all. */
  ByteBuffer span(int slot, int count) {
    int at = slot % perMapping * slotSize;
    return mappings[slot / perMapping].duplicate().limit(at + count * slotSize).position(at);
  }

  /** By the leader of the store threads: backs more slots, if any may be; true where it did. */
  boolean grow() {
    int more = (int) Math.min(slots, backed + Math.max(1, STEP / slotSize));
    if (more == backed) {
      return false;
    }
    try {
      extend(file, slotSize, backed, more);
    } catch (IOException full) {
      return false;
    }
    int first = backed;
    backed = more;
    for (int slot = first; slot < more; slot++) {
      setFree(slot);
    }
    return true;
  }

  /** More are free than {@code kept}, and some may be given back. */
  boolean canShrink(int kept) {
    return backed > RESERVED && freeCount() > Math.max(kept, RESERVED);
  }

  /**
   * By the leader of the store threads: gives last slots back while more than {@code kept} are
   * free.
   */
  void shrink(int kept) throws IOException {
    int bound = Math.max(kept, RESERVED);
    int left = backed;
    for (int count = freeCount(); count > bound && left > RESERVED; count--, left--) {
      if (!takeThis(left - 1)) {
        break;
      }
    }
    if (left < backed) {
      backed = left;
      file.truncate(end(left));
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  private void map() throws IOException {
    for (int first = 0; first < slots; first += perMapping) {
      int count = Math.min(perMapping, slots - first);
      ByteBuffer mapping =
          file.map(FileChannel.MapMode.READ_WRITE, end(first), (long) count * slotSize);
      mappings[first / perMapping] = mapping;
      for (int i = 0; i < count; i++) {
        views[first + i] = mapping.slice(i * slotSize, slotSize);
        storeViews[first + i] = views[first + i].duplicate();
      }
    }
  }

  private boolean takeThis(int slot) {
    long bit = 1L << slot;
    while (true) {
      long bits = free.get(slot / Long.SIZE);
      if ((bits & bit) == 0) {
        return false;
      }
      if (free.compareAndSet(slot / Long.SIZE, bits, bits & ~bit)) {
        return true;
      }
    }
  }

  private void setFree(int slot) {
    int word = slot / Long.SIZE;
    long bit = 1L << slot;
    long bits = free.get(word);
    while (!free.compareAndSet(word, bits, bits | bit)) {
      bits = free.get(word);
    }
  }

  private long end(int slot) {
    return DATA + (long) slot * slotSize;
  }

  private static void extend(FileChannel file, int slotSize, int from, int to) throws IOException {
    long end = DATA + (long) to * slotSize;
    boolean sparse = slotSize > SPARSE_FROM;
    Zeroes.fill(file, sparse ? end - 1 : DATA + (long) from * slotSize, end);
  }

  /** As many as the budget has room for, and no more than there are chunks. */
  static int count(ChunkGeometry geometry, long budget) {
    long wanted = Math.min(budget >>> geometry.chunkShift(), geometry.chunkCount());
    return (int) Math.max(FEWEST, Math.min(MOST, wanted));
  }
}
