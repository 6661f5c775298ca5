// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.tracker.Tracker;
import org.blksnap.spi.tracker.TrackerRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One device's tracking.
 *
 * <p>States: open → closed (cleanly, or handed over). An open map is sound or corrupted; a
 * corrupted one answers EFAULT and is made anew at the next take.
 *
 * <p>{@link #epoch} is the one thing a mark reads. A take replaces it, after the header: a process
 * killed between the two has let no mark through yet, since the gate is closed. A take that begins
 * a new generation first flags the old file as superseded, then renames, then replaces the epoch:
 * whichever of these a kill lets happen last, the file under the device's name is either the new
 * map or one that nobody will trust.
 *
 * <p>{@code lock} keeps takes apart from {@link #markDirty}, which alone marks outside the gate; it
 * is held for a slice of blocks at a time and never over disk waits. Marks and queries take no
 * lock.
 */
final class DeviceTracker implements Tracker {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceTracker.class);

  /** Blocks marked dirty at a time: a take waits that long at most. */
  private static final long DIRTY_SLICE = 1 << 16;

  private final TrackerRequest request;
  private final MapMaker maker;
  private final MapTakes takes;
  private final boolean begunByOpening;
  private final Object lock = new Object();
  private final Rest rest = new Rest();

  private volatile Epoch epoch;
  private volatile boolean corrupted;

  /** Only ever becomes true, under {@code lock}. */
  private volatile boolean closed;

  @GuardedBy("lock")
  private boolean markAfterCloseReported;

  DeviceTracker(TrackerRequest request, MapMaker maker, MapFile file, boolean begunByOpening) {
    this.request = request;
    this.maker = maker;
    this.begunByOpening = begunByOpening;
    takes = new MapTakes(request, maker, new InUse());
    epoch = Epoch.of(file, takes.bits(file.header().count()));
  }

  @Override
  public boolean begunByOpening() {
    return begunByOpening;
  }

  @Override
  public void mark(long offset, long length) {
    Epoch e = epoch;
    if (offset < 0 || length <= 0 || length > e.capacity() - offset) {
      outside(offset, length);
      return;
    }
    try {
      long first = e.firstBlock(offset);
      long end = e.endBlock(offset, length);
      if (e.durable() != null) {
        rest.stir(e.file());
        e.durable().mark(e.table(), first, end, e.active());
      } else if (end - first == 1) {
        e.table().mark(first, e.active());
      } else {
        e.table().mark(first, end, e.active());
      }
    } catch (InternalError | UncheckedIOException fault) {
      corrupt(e, "its file could not be written: " + fault.getMessage());
    }
  }

  @Override
  public void markBoth(long offset, long length) {
    Epoch e = epoch;
    if (offset < 0 || length <= 0 || length > e.capacity() - offset) {
      outside(offset, length);
      return;
    }
    try {
      long first = e.firstBlock(offset);
      long end = e.endBlock(offset, length);
      if (e.durable() != null) {
        rest.stir(e.file());
        e.durable().markBoth(e.table(), first, end, e.active());
      } else {
        e.table().markBoth(first, end, e.active());
      }
    } catch (InternalError | UncheckedIOException fault) {
      corrupt(e, "its file could not be written: " + fault.getMessage());
    }
  }

  @Override
  public boolean stirred() {
    return rest.stirred();
  }

  @Override
  public void rest(String fingerprint) throws BlksnapException {
    requireOpen();
    if (!request.durable() || corrupted) {
      return;
    }
    try {
      rest.begin(epoch.file(), fingerprint);
    } catch (UncheckedIOException e) {
      throw maker.failure("cannot be forced to disk", e);
    }
  }

  /** For what changes the map without being a mark. */
  private void awake() throws BlksnapException {
    Epoch e = epoch;
    if (!request.durable()) {
      return;
    }
    try {
      rest.stir(e.file());
    } catch (InternalError | UncheckedIOException fault) {
      throw unwritable(e, fault);
    }
  }

  private BlksnapException unwritable(Epoch e, Throwable fault) {
    corrupt(e, "its file could not be written: " + fault.getMessage());
    return new BlksnapException(
        Errno.EIO, "change map of " + request.device() + " could not be written", fault);
  }

  /** An empty range is nothing; any other one makes the map void. */
  private void outside(long offset, long length) {
    if (length == 0) {
      return;
    }
    corrupt(epoch, "a mark of " + length + " bytes at " + offset + " is outside the device");
  }

  private void corrupt(Epoch e, String why) {
    synchronized (lock) {
      if (closed) {
        if (!markAfterCloseReported) {
          markAfterCloseReported = true;
          LOG.error("change map of {}: marked after it was closed", request.device());
        }
        return;
      }
      if (corrupted || epoch.file() != e.file()) {
        return;
      }
      corrupted = true;
      LOG.error(
          "change map of {} is void: {}; the next take begins a new generation, and the next"
              + " backup is a full one",
          request.device(),
          why);
      try {
        e.file().update(header -> header.with(MapLayout.CORRUPTED));
        e.file().update(header -> header.with(MapLayout.CORRUPTED));
        if (request.durable()) {
          e.file().force();
        }
      } catch (InternalError | UncheckedIOException fault) {
        LOG.error("change map of {}: its header could not be written", request.device(), fault);
      }
    }
  }

  @Override
  public PreparedTake prepareTake(long capacity) throws BlksnapException {
    requireOpen();
    awake();
    return takes.prepare(epoch, corrupted, capacity);
  }

  @Override
  public void renew(long capacity, BlockSizeRule rule, GenerationReason reason, String detail)
      throws BlksnapException {
    takes.use(rule, () -> renew(capacity, reason, detail));
  }

  @Override
  public void renew(long capacity, GenerationReason reason, String detail) throws BlksnapException {
    requireOpen();
    awake();
    takes.renew(capacity, reason, detail);
  }

  /** What a take does to the map in use; at a closed gate, so it does not log. */
  private final class InUse implements MapTakes.InUse {
    @Override
    public MapFile file() {
      return epoch.file();
    }

    @Override
    public void advance(DurableBits bits) {
      synchronized (lock) {
        MapFile file = epoch.file();
        file.update(MapHeader::taken);
        epoch = Epoch.of(file, bits);
      }
    }

    @Override
    public void replace(MapFile file, DurableBits bits) throws IOException {
      synchronized (lock) {
        MapFile old = epoch.file();
        try {
          old.update(header -> header.with(MapLayout.SUPERSEDED));
          maker.publish();
        } finally {
          epoch = Epoch.of(file, bits);
          corrupted = false;
        }
      }
    }
  }

  @Override
  public CbtInfo info() throws BlksnapException {
    return sound().info();
  }

  @Override
  public int read(long index, ByteBuffer dst) throws BlksnapException {
    int length =
        ChangeQuery.consistent(this::sound, request.device(), e -> ChangeQuery.read(e, index, dst));
    dst.position(dst.position() + length);
    return length;
  }

  @Override
  public ChangeSet changedSince(ChangePoint since) throws BlksnapException {
    return ChangeSet.of(this, info(), since);
  }

  @Override
  public void markDirty(List<ByteRange> ranges) throws BlksnapException {
    Epoch before = sound();
    before.requireInside(ranges, request.device());
    awake();
    try {
      for (ByteRange range : ranges) {
        dirty(before.file(), range);
      }
      if (request.durable()) {
        before.file().force();
      }
    } catch (InternalError | UncheckedIOException fault) {
      throw unwritable(before, fault);
    }
  }

  private void dirty(MapFile file, ByteRange range) throws BlksnapException {
    if (range.length() == 0) {
      return;
    }
    Epoch any = epoch;
    long block = any.firstBlock(range.offset());
    long end = any.endBlock(range.offset(), range.length());
    while (block < end) {
      synchronized (lock) {
        requireOpen();
        Epoch e = epoch;
        if (e.file() != file) {
          return; // a new generation: everything has to be read anyway
        }
        long to = Math.min(end, block + DIRTY_SLICE);
        e.table().markBoth(block, to, e.active());
        block = to;
      }
    }
  }

  @Override
  public void flush() throws BlksnapException {
    requireOpen();
    try {
      epoch.file().force();
    } catch (UncheckedIOException e) {
      throw maker.failure("cannot be forced to disk", e);
    }
  }

  @Override
  public void handOver() {
    shut();
  }

  @Override
  public void close(String fingerprint) throws BlksnapException {
    if (!shut() || corrupted) {
      return;
    }
    MapFile file = epoch.file();
    try {
      file.force();
      file.updateForced(header -> header.closed(fingerprint));
      maker.settle();
    } catch (UncheckedIOException e) {
      throw maker.failure("cannot be forced to disk; the next backup is a full one", e);
    }
  }

  /** True for whoever closes it first. */
  private boolean shut() {
    synchronized (lock) {
      if (closed) {
        return false;
      }
      closed = true;
      epoch = epoch.closed();
    }
    return true;
  }

  private Epoch sound() throws BlksnapException {
    requireOpen();
    if (corrupted) {
      throw new BlksnapException(
          Errno.EFAULT,
          "change map of "
              + request.device()
              + " is corrupted and cannot be read; take a snapshot to begin a new generation");
    }
    return epoch;
  }

  private void requireOpen() throws BlksnapException {
    if (closed) {
      throw new BlksnapException(
          Errno.ESHUTDOWN, "change map of " + request.device() + " is closed; attach it again");
    }
  }
}
