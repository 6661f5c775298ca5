// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.time.Duration;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.DiffAreaRequest;
import org.blksnap.spi.chunk.DiffAreaStatus;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One device's saved chunks in one snapshot: the talker. It cuts ranges into chunks, answers what
 * needs no lock, and leaves the rest to the keeper, {@link SavedChunks}, and to what is done to one
 * chunk: {@link LiveSave}, {@link ImageWrites}, {@link SlotStore}.
 *
 * <p><b>Who runs here.</b> Any number of live writers ({@link #preserve}), image readers and image
 * writers; one {@link StoreWorker}. Control calls ({@link #close}, {@link #delete}) come when the
 * gate of the device keeps the others out.
 *
 * <p><b>Live writers.</b> A write to pages that are saved costs one acquiring load a chunk: no
 * lock, no allocation. Otherwise the missing pages, and only they, are read into a buffer slot
 * under the lock of the chunk, and their bits set. The storage is never touched on this way: the
 * worker allocates and writes later, so a slow or hanging storage is not seen before all slots are
 * in use. Then a writer waits for its turn; after the stall limit, all its waits together, the area
 * is given up and the write goes on. Each error on this way corrupts the area; the corruption is in
 * the file before the write passes.
 *
 * <p><b>Image readers</b> read the live device first and look at the bits afterwards; <b>image
 * writers</b> set bits as a save does, so a later live write has nothing to copy, and a save never
 * overwrites what they wrote: see {@link AreaImage}.
 *
 * <p><b>After a kill</b> the two files say all there is to know, see {@link ChunkMap} and {@link
 * BufferSlots}: what the process had in memory is in the slots, and is queued again. After a loss
 * of power they say nothing reliable; whoever adopts must know.
 *
 * <p><b>Lost pages of mapped files</b> (space or disk gone beneath them) show as an {@link
 * InternalError}, which the virtual machine may deliver late. It corrupts where it is caught, but
 * the true protection is that the files are written out when they are made, see {@link
 * ChunkMap#PREALLOCATED} and {@link BufferSlots#SPARSE_FROM}; only those beyond are exposed.
 *
 * <p><b>States</b> are {@link AreaState}'s, and one step ends every wait at once. {@link #retire}
 * and {@link #close} lead to "retiring": a live write that would have to copy is sent away with
 * EAGAIN, so none passes unsaved. {@link #abandon} and {@link #delete} lead to "gone": live writes
 * pass at once. A close returns when nobody changes the files any more: the store worker has ended,
 * nobody is in the middle of a chunk, {@link Corruption} is sealed. Where that takes longer than
 * the stall limit the area is corrupted, on disk, before the close returns; what a thread that
 * comes back later still does to the files then no longer matters.
 */
final class MappedDiffArea implements DiffArea {
  private static final Logger LOG = LoggerFactory.getLogger(MappedDiffArea.class);

  private final String device;
  private final AreaFiles files;
  private final ChunkGeometry geometry;
  private final StoreSignal signal = new StoreSignal();
  private final SlotQueue queue;
  private final AreaState state = new AreaState();
  private final Corruption corruption;
  private final RoomLack lack = new RoomLack();
  private final SavedChunks saved;
  private final LivePages live;
  private final LiveSave save;
  private final AreaImage image;
  private final StoreWorker worker;
  private final long stallNanos;

  @GuardedBy("this")
  private boolean closed;

  @GuardedBy("this")
  private boolean deleted;

  @GuardedBy("this")
  private boolean ended;

  private MappedDiffArea(DiffAreaRequest request, AreaFiles files, Duration stallLimit)
      throws BlksnapException {
    ChunkMap map = files.map();
    BufferSlots slots = files.slots();
    this.device = request.device();
    this.files = files;
    this.geometry = map.geometry();
    this.stallNanos = stallLimit.toNanos();
    corruption = new Corruption(device, map, state, request.corruption());
    queue =
        new SlotQueue(
            slots, signal, () -> !state.open() || corruption.happened(), lack, this::someoneWaits);
    StoreClaims claims = new StoreClaims(slots.slots());
    saved = new SavedChunks(geometry, map, slots, queue, claims, signal, state);
    live = new LivePages(geometry, slots, request.live());
    SlotWaits waits = new SlotWaits(slots, queue, corruption, lack, stallNanos);
    save = new LiveSave(geometry, map, slots, saved, live, waits, state, corruption);
    image =
        new AreaImage(
            device,
            geometry,
            saved,
            request.live(),
            request.storage(),
            new ImageWrites(
                geometry, map, slots, saved, live, waits, request.storage(), corruption),
            state,
            corruption);
    state.whenItEnds(queue::wake);
    state.whenItEnds(signal::wakeAll);
    new Recovery(geometry, map, slots, saved).run();
    worker =
        new StoreWorker(
            "blksnap-store-" + device,
            geometry,
            map,
            slots,
            queue,
            claims,
            saved,
            signal,
            state,
            request.storage(),
            corruption,
            lack,
            request.maximumInQueue(),
            request.freeBuffers());
    worker.start();
  }

  static MappedDiffArea create(DiffAreaRequest request, Duration stallLimit, long buffers)
      throws IOException {
    AreaFiles files = AreaFiles.create(request, buffers);
    try {
      return new MappedDiffArea(request, files, stallLimit);
    } catch (IOException | RuntimeException | Error e) {
      files.close();
      files.delete(false);
      throw e;
    }
  }

  static MappedDiffArea adopt(DiffAreaRequest request, Duration stallLimit) throws IOException {
    AreaFiles files = AreaFiles.open(request);
    try {
      return new MappedDiffArea(request, files, stallLimit);
    } catch (IOException | RuntimeException | Error e) {
      files.close();
      throw e;
    }
  }

  @Override
  public int chunkSize() {
    return geometry.chunkSize();
  }

  @Override
  public int chunkCount() {
    return geometry.chunkCount();
  }

  @Override
  public void preserve(long offset, long length, boolean noWait) throws BlksnapException {
    long end = length >= geometry.capacity() - offset ? geometry.capacity() : offset + length;
    if (offset >= end || corruption.happened() || state.gone()) {
      return;
    }
    try {
      int last = geometry.chunkOf(end - 1);
      int from = geometry.within(offset);
      long left = stallNanos;
      for (int chunk = geometry.chunkOf(offset); chunk <= last; chunk++) {
        long wanted = geometry.pages(from, geometry.upTo(chunk, end));
        if ((wanted & ~saved.saved(chunk)) != 0) {
          left = copy(chunk, wanted, noWait, left);
        }
        from = 0;
      }
    } catch (Error e) {
      corruption.corrupt("chunk map can not be read", e);
    }
  }

  /** {@code left}: nanoseconds the write may wait yet for buffers; the answer is what remains. */
  private long copy(int chunk, long wanted, boolean noWait, long left) throws BlksnapException {
    if (noWait) {
      throw new BlksnapException(
          Errno.EAGAIN,
          "write to "
              + device
              + " refused: chunk "
              + chunk
              + " has to be copied first; repeat it without no-wait");
    }
    long remains = save.save(chunk, wanted, left);
    if (remains == LiveSave.SENT_AWAY) {
      throw new BlksnapException(
          Errno.EAGAIN,
          "write to "
              + device
              + " held up: chunk "
              + chunk
              + " has to be copied first, and its diff area is let go; leave the gate, come again");
    }
    return remains;
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    image.read(dst, offset);
  }

  @Override
  public void write(ByteBuffer src, long offset) throws IOException {
    image.write(src, offset);
  }

  @Override
  public void writeZeroes(long offset, long length) throws IOException {
    image.writeZeroes(offset, length);
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    image.transferTo(offset, length, target);
  }

  @Override
  public Run runAt(long offset, long limit) {
    return image.runAt(offset, limit);
  }

  @Override
  public void settle() throws BlksnapException {
    if (!state.open()) {
      return;
    }
    long pass = signal.wantPass();
    StoreSignal.Outcome outcome =
        signal.await(
            () -> signal.ended() >= pass, () -> corruption.happened() || !state.open(), stallNanos);
    if (outcome == StoreSignal.Outcome.STALLED) {
      corruption.stalled(signal.queued() + " chunks wait", stallNanos);
    }
    BlksnapException noRoom = lack.why();
    if (outcome == StoreSignal.Outcome.READY && noRoom != null && signal.queued() > 0) {
      throw new BlksnapException(
          Errno.ENOSPC,
          signal.queued()
              + " chunks of "
              + device
              + " are in memory and could not be stored: "
              + noRoom.getMessage(),
          noRoom);
    }
  }

  private void someoneWaits() {
    worker.helpIfSlow();
  }

  @Override
  public Errno error() {
    return corruption.error();
  }

  @Override
  public String detail() {
    return corruption.detail();
  }

  @Override
  public void corrupt(Errno error, String detail) {
    corruption.corrupt(error, detail);
  }

  @Override
  public DiffAreaStatus status() {
    return new DiffAreaStatus(
        saved.savedChunkCount(), saved.savedByteCount(), signal.queued(), live.copiedByteCount());
  }

  /** Threads that wait for a buffer now. */
  int waiting() {
    return queue.waiting();
  }

  @Override
  public void sendAway() {
    queue.sendAway();
  }

  @Override
  public void retire() {
    state.retire();
  }

  @Override
  public void abandon() {
    state.abandon();
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    image.close();
    state.retire();
    long deadline = System.nanoTime() + stallNanos;
    ended = worker.awaitEnd(deadline) & saved.drain(deadline);
    if (!ended && !state.gone()) {
      corruption.stalled("its last write has not returned at close", stallNanos);
    }
    corruption.seal();
    files.close();
  }

  @Override
  public synchronized void delete() {
    state.abandon();
    close();
    if (deleted) {
      return;
    }
    deleted = true;
    files.delete(ended);
  }
}
