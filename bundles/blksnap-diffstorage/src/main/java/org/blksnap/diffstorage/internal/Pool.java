// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.handover.HandoverShelf;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.linux.file.EnduringFile;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One snapshot's space.
 *
 * <p>Addresses are linear: the parts lie one behind the other in the order they were added. The
 * fill pointer only moves on; it lies in the state file's mapped page and is moved by
 * compare-and-set without a lock. What changes the pool as such (parts, requests, overflow,
 * closing) happens under {@code lock}, which an allocation takes only where it found no room, or
 * reached the low-space mark.
 *
 * <p>States: open → closed. An open pool without room is <em>overflown</em>: an allocation finds
 * none and fails. What is stored stays readable, whoever wanted more keeps it in memory and asks
 * again, and the pool goes on as soon as it is given more.
 *
 * <p>How much can still be needed at most ({@link #expect}) bounds what it asks for and makes by
 * itself: a small device gets a small file. An allocation is served beyond it, as long as there is
 * room.
 *
 * <p>A pool with directories answers its own requests for space: a thread of its own makes the next
 * file when the low-space mark is reached, so that an allocation waits for a file only where the
 * thread was outrun. It asks the user once the directories are at their limits or their file system
 * is full. Freed space is never reused: a snapshot lives shorter than that would pay for.
 */
final class Pool implements DiffStorage {
  private static final Logger LOG = LoggerFactory.getLogger(Pool.class);

  /** How often an allocation tries to make a file where something other than room is missing. */
  static final int GROWTH_TRIES = 5;

  /** Bytes of a directory's first file where nothing more can be needed. */
  static final long LEAST_FIRST_FILE = 64 << 10;

  /** Between two such tries. The lock is not held meanwhile. */
  static final long GROWTH_PAUSE_NANOS = 100_000_000;

  private final StorageRequest request;
  private final StateFile state;
  private final PoolContents contents;
  private final Shelf shelf;
  private final ReentrantLock lock = new ReentrantLock();

  private final Grower grower;

  /** Written under the lock. */
  private volatile boolean closed;

  private volatile LongSupplier expected = () -> 0;

  /** Bytes of the largest chunk so far; the end of a part where none fits is lost. */
  private volatile int largestChunk;

  @GuardedBy("lock")
  private boolean memoryLeft;

  Pool(StorageRequest request, StateFile state, PoolContents contents, Shelf shelf) {
    this.request = request;
    this.state = state;
    this.contents = contents;
    this.shelf = shelf;
    this.grower = new Grower(request.snapshot());
  }

  /** Where memory waits for a successor. */
  interface Shelf {
    /** Empty where there is no shelf. */
    Optional<HandoverShelf> present();

    static String key(StorageRequest request) {
      return "diffstorage.memory." + request.snapshot();
    }
  }

  @Override
  public void appendRanges(Path path, List<ByteRange> ranges, Geometry geometry)
      throws BlksnapException {
    lock.lock();
    try {
      requireOpen();
      contents.addRanges(path, ranges, geometry);
      grownLocked();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void appendDirectory(Path directory, long limit) throws BlksnapException {
    lock.lock();
    try {
      requireOpen();
      long portion = portionSectors();
      contents.addDirectory(
          directory, limit, Math.max(portion * ByteRange.SECTOR, LEAST_FIRST_FILE));
      if (portion < request.minimumSectors().getAsLong()) {
        // It answers its own requests, and has got what it could want.
        state.requested(Math.min(state.requested(), sectors(contents.table().capacity())));
      }
      grownLocked();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void appendMemory(long bytes) throws BlksnapException {
    lock.lock();
    try {
      requireOpen();
      contents.addMemory(bytes);
      grownLocked();
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void grownLocked() {
    state.overflow(false);
    askLocked();
  }

  @Override
  public void expect(LongSupplier atMost) {
    expected = atMost;
  }

  @Override
  public boolean isEmpty() {
    return contents.records().isEmpty();
  }

  @Override
  public int logicalBlockSize() {
    return contents.records().stream().mapToInt(PartRecord::logicalBlock).max().orElse(0);
  }

  @Override
  public long allocate(int bytes) throws BlksnapException {
    if (bytes <= 0 || bytes % ByteRange.SECTOR != 0) {
      throw new BlksnapException(
          Errno.EINVAL, "a chunk of " + bytes + " bytes refused: give a multiple of 512, above 0");
    }
    requireOpen();
    if (bytes > largestChunk) {
      largestChunk = bytes;
    }
    long address = claim(bytes);
    if (address < 0) {
      address = claimGrowing(bytes);
    }
    if (state.overflown()) {
      state.overflow(false);
    }
    if (asks()) {
      lock.lock();
      try {
        askLocked();
      } finally {
        lock.unlock();
      }
    }
    return address;
  }

  /** -1 where there is no room. */
  private long claim(int bytes) {
    while (true) {
      long filled = state.filled();
      long address = contents.table().place(filled, bytes);
      if (address < 0 || state.advance(filled, address + bytes)) {
        return address;
      }
    }
  }

  /** Overflows where there is no room; what else hinders growing is given a moment to pass. */
  private long claimGrowing(int bytes) throws BlksnapException {
    List<BlksnapException> failures = new ArrayList<>();
    for (int tries = 1; ; tries++) {
      lock.lock();
      try {
        requireOpen();
        failures.clear();
        long address = claim(bytes);
        while (address < 0 && contents.grow(portionBytes(), bytes, failures)) {
          address = claim(bytes);
        }
        if (address >= 0) {
          return address;
        }
        if (tries >= GROWTH_TRIES || failures.stream().allMatch(Failures::noRoom)) {
          if (!state.overflown()) {
            state.overflow(true);
            askOverflownLocked();
          }
          throw over(bytes, failures);
        }
      } finally {
        lock.unlock();
      }
      pauseBeforeGrowing();
    }
  }

  private BlksnapException over(int bytes, List<BlksnapException> failures) {
    BlksnapException over =
        new BlksnapException(
            Errno.ENOSPC,
            "difference storage of snapshot "
                + request.snapshot()
                + (failures.isEmpty()
                    ? " has no room: "
                    : " could not grow: " + failures.get(0).getMessage() + ": ")
                + bytes
                + " bytes wanted, "
                + sectors(state.filled())
                + " of "
                + sectors(contents.table().capacity())
                + " sectors filled; "
                + (failures.isEmpty()
                    ? "give it more storage"
                    : "mend that, or give it more storage")
                + " with blksnap:snapshot-append-storage before its buffers are used up");
    failures.forEach(over::addSuppressed);
    return over;
  }

  /** Not shortened by an interrupt, which is kept. */
  private static void pauseBeforeGrowing() {
    boolean interrupted = Thread.interrupted();
    long end = System.nanoTime() + GROWTH_PAUSE_NANOS;
    for (long left = GROWTH_PAUSE_NANOS; left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean asks() {
    return LowSpaceRule.asks(
            state.requested(),
            sectors(state.filled()),
            sectors(contents.table().capacity()),
            request.minimumSectors().getAsLong())
        && portionSectors() > 0;
  }

  @GuardedBy("lock")
  private void askLocked() {
    if (closed || !asks()) {
      return;
    }
    long portion = portionSectors();
    state.requested(state.requested() + portion);
    if (contents.canGrow()) {
      grower.wish(this::answerOwnRequest);
    } else {
      offer(portion);
    }
  }

  /** Says so again, whatever was asked before: a write may be waiting for it. */
  @GuardedBy("lock")
  private void askOverflownLocked() {
    if (missing() <= 0) {
      state.requested(sectors(contents.table().capacity()) + request.minimumSectors().getAsLong());
    }
    offer(missing());
  }

  private void answerOwnRequest() {
    lock.lock();
    try {
      List<BlksnapException> failures = new ArrayList<>();
      boolean grown = true;
      while (grown && missing() > 0 && !closed) {
        long portion = portionBytes();
        grown = portion > 0 && contents.grow(portion, 0, failures);
        LOG.debug("difference storage of snapshot {}: grown {}", request.snapshot(), grown);
      }
      for (BlksnapException failure : failures) {
        LOG.warn("difference storage of snapshot {}: {}", request.snapshot(), failure.toString());
      }
      if (missing() > 0 && !closed) {
        offer(request.minimumSectors().getAsLong());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Sectors that were asked for and have not come. */
  private long missing() {
    return state.requested() - sectors(contents.table().capacity());
  }

  /** Asks anew for what is missing: for a pool whose events were lost with their receiver. */
  void remind() {
    if (missing() > 0) {
      offer(missing());
    }
  }

  /** Asks for the first portion. */
  void greet() {
    offer(state.requested());
  }

  private void offer(long sectors) {
    request
        .events()
        .offer(new BlksnapEvent.LowFreeSpace(System.nanoTime(), request.snapshot(), sectors));
  }

  private long portionBytes() {
    return Math.multiplyExact(portionSectors(), ByteRange.SECTOR);
  }

  /** What is asked for or made at a time: the minimum, but not more than can still be needed. */
  private long portionSectors() {
    long minimum = request.minimumSectors().getAsLong();
    long bytes = expected.getAsLong();
    if (bytes <= 0) {
      return minimum;
    }
    int chunk = Math.max(largestChunk, ByteRange.SECTOR);
    long still = bytes + contents.lostTo(chunk) - contents.table().capacity();
    return Math.max(0, Math.min(minimum, sectors((still + chunk - 1) / chunk * chunk)));
  }

  private static long sectors(long bytes) {
    return bytes / ByteRange.SECTOR;
  }

  @Override
  public void read(long address, ByteBuffer dst) throws IOException {
    transfer(address, dst, false);
  }

  @Override
  public void write(long address, ByteBuffer src) throws IOException {
    transfer(address, src, true);
  }

  /** A chunk lies in one part; a request for several chunks may pass from one part to the next. */
  private void transfer(long address, ByteBuffer buffer, boolean writing) throws IOException {
    AddressTable table = contents.table();
    check(table, address, buffer.remaining());
    int limit = buffer.limit();
    long at = address;
    try {
      for (int i = table.indexOf(at); buffer.position() < limit; i++) {
        buffer.limit((int) Math.min(limit, buffer.position() + table.end(i) - at));
        if (writing) {
          table.part(i).write(at - table.base(i), buffer);
        } else {
          table.part(i).read(at - table.base(i), buffer);
        }
        at = table.end(i);
      }
    } finally {
      buffer.limit(limit);
    }
  }

  @Override
  public void transferTo(long address, long length, WritableByteChannel target) throws IOException {
    AddressTable table = contents.table();
    check(table, address, length);
    long end = address + length;
    long at = address;
    for (int i = table.indexOf(at); at < end; i++) {
      long stop = Math.min(end, table.end(i));
      table.part(i).transferTo(at - table.base(i), stop - at, target);
      at = stop;
    }
  }

  private void check(AddressTable table, long address, long length) throws BlksnapException {
    requireOpen();
    if (address < 0 || length < 0 || length > table.capacity() - address) {
      throw new BlksnapException(
          Errno.EINVAL,
          "difference storage of snapshot "
              + request.snapshot()
              + ": address "
              + address
              + " length "
              + length
              + " refused: not inside its "
              + table.capacity()
              + " bytes");
    }
  }

  private void requireOpen() throws BlksnapException {
    if (closed) {
      throw new BlksnapException(
          Errno.ESTALE,
          "difference storage of snapshot " + request.snapshot() + " is closed; use its successor");
    }
  }

  @Override
  public void flush() throws IOException {
    List<EnduringFile> files;
    lock.lock();
    try {
      requireOpen();
      files = contents.openFiles();
    } finally {
      lock.unlock();
    }
    for (EnduringFile file : files) {
      file.force();
    }
    state.force();
  }

  @Override
  public StorageStatus status() {
    return new StorageStatus(
        sectors(contents.table().capacity()),
        sectors(state.filled()),
        state.requested(),
        sectors(contents.limit()),
        state.overflown(),
        contents.records().stream().map(PartRecord::describe).toList());
  }

  @Override
  public void close() {
    stop(true);
  }

  @Override
  public void delete() {
    stop(false);
    lock.lock();
    try {
      if (memoryLeft) {
        shelf.present().ifPresent(present -> present.fetch(Shelf.key(request)));
        memoryLeft = false;
      }
      contents.clear();
      state.delete();
    } catch (IOException e) {
      LOG.warn("{}: removing it failed: {}", request.file(), e.toString());
    } finally {
      lock.unlock();
    }
  }

  private void stop(boolean leaveMemory) {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      if (leaveMemory && !contents.memory().isEmpty()) {
        shelf.present().ifPresent(present -> present.leave(Shelf.key(request), contents.memory()));
        memoryLeft = true;
      }
      contents.close();
      state.close();
    } finally {
      lock.unlock();
    }
    grower.close();
  }
}
