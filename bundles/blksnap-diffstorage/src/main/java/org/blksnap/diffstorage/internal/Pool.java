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
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
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
 * <p>What it asks for, and makes by itself, is {@link SpaceRequests}. Freed space is never reused:
 * a snapshot lives shorter than that would pay for.
 */
final class Pool implements DiffStorage {
  private static final Logger LOG = LoggerFactory.getLogger(Pool.class);

  /** How often an allocation tries to make a file where something other than room is missing. */
  static final int GROWTH_TRIES = 5;

  /** Bytes of a directory's first file where nothing more can be needed. */
  static final long LEAST_FIRST_FILE = 64 << 10;

  private final StorageRequest request;
  private final StateFile state;
  private final PoolContents contents;
  private final Shelf shelf;
  private final ReentrantLock lock = new ReentrantLock();

  private final SpaceRequests requests;

  /** Written under the lock. */
  private volatile boolean closed;

  @GuardedBy("lock")
  private boolean memoryLeft;

  Pool(StorageRequest request, StateFile state, PoolContents contents, Shelf shelf) {
    this.request = request;
    this.state = state;
    this.contents = contents;
    this.shelf = shelf;
    this.requests = new SpaceRequests(request, state, contents, lock, () -> closed);
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
      long portion = requests.portionSectors();
      contents.addDirectory(
          directory, limit, Math.max(portion * ByteRange.SECTOR, LEAST_FIRST_FILE));
      if (portion < request.minimumSectors().getAsLong()) {
        // It answers its own requests, and has got what it could want.
        state.requested(
            Math.min(state.requested(), SpaceRequests.sectors(contents.table().capacity())));
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
    requests.askLocked();
  }

  /** Asks for the first portion. */
  void greet() {
    requests.greet();
  }

  /** Asks anew for what is missing: for a pool whose events were lost with their receiver. */
  void remind() {
    requests.remind();
  }

  @Override
  public void expect(LongSupplier atMost) {
    requests.expect(atMost);
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
    requests.wanted(bytes);
    long address = claim(bytes);
    if (address < 0) {
      address = claimGrowing(bytes);
    }
    if (state.overflown()) {
      state.overflow(false);
    }
    if (requests.due()) {
      lock.lock();
      try {
        requests.askLocked();
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
        while (address < 0 && contents.grow(requests.portionBytes(), bytes, failures)) {
          address = claim(bytes);
        }
        if (address >= 0) {
          return address;
        }
        if (tries >= GROWTH_TRIES || failures.stream().allMatch(Failures::noRoom)) {
          if (!state.overflown()) {
            state.overflow(true);
            requests.askOverflownLocked();
          }
          throw over(bytes, failures);
        }
      } finally {
        lock.unlock();
      }
      Grower.pause();
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
                + state.filled()
                + " of "
                + contents.table().capacity()
                + " bytes filled; "
                + (failures.isEmpty()
                    ? "give it more storage"
                    : "mend that, or give it more storage")
                + " with blksnap:snapshot-append-storage before its buffers are used up");
    failures.forEach(over::addSuppressed);
    return over;
  }

  @Override
  public void read(long address, ByteBuffer dst) throws IOException {
    requireOpen();
    contents.table().read(address, dst);
  }

  @Override
  public void write(long address, ByteBuffer src) throws IOException {
    requireOpen();
    contents.table().write(address, src);
  }

  @Override
  public void transferTo(long address, long length, WritableByteChannel target) throws IOException {
    requireOpen();
    contents.table().transferTo(address, length, target);
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
        contents.table().capacity(),
        state.filled(),
        SpaceRequests.bytes(state.requested()),
        contents.limit(),
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
    requests.close();
  }
}
