// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Positional access to a device or an image. Offsets and lengths are bytes; any alignment is
 * accepted. A request that does not lie wholly inside {@code [0, capacity)} is refused with EINVAL
 * (reads) or ENOSPC (writes) and moves nothing.
 *
 * <p>Engines implement it, and so does whoever has a block device of his own served ({@code
 * ExportSource}); new methods will therefore always have a default.
 *
 * <p>Thread rule: every method may be called from any number of threads at once. Requests that
 * overlap in time and range have no order between them. All methods may block; {@link
 * IoFlags#NO_WAIT} says otherwise for writes.
 */
@ConsumerType
public interface BlockDevice {
  /** Name, unique among all devices and images of this engine. */
  String name();

  /** Present geometry; its capacity changes when the device is resized. */
  Geometry geometry();

  /** Size in bytes. */
  default long capacity() {
    return geometry().capacity();
  }

  /** Reads {@code dst.remaining()} bytes, all of them or an exception. */
  void read(ByteBuffer dst, long offset) throws IOException;

  /**
   * Writes {@code src.remaining()} bytes. Flags: FUA, NO_WAIT; another one is EINVAL. EROFS on a
   * read-only device.
   */
  void write(ByteBuffer src, long offset, IoFlags flags) throws IOException;

  /** As {@link #write(ByteBuffer, long, IoFlags)} with no flag. */
  default void write(ByteBuffer src, long offset) throws IOException {
    write(src, offset, IoFlags.NONE);
  }

  /**
   * Tells that the content is no longer needed; it may read as anything afterwards (here: zeroes or
   * unchanged). Flags: FUA, NO_WAIT; another one is EINVAL. EROFS on a read-only device.
   */
  void discard(long offset, long length, IoFlags flags) throws IOException;

  /** As {@link #discard(long, long, IoFlags)} with no flag. */
  default void discard(long offset, long length) throws IOException {
    discard(offset, length, IoFlags.NONE);
  }

  /**
   * Makes the range read as zeroes. Flags: FUA, NO_WAIT, NO_HOLE, FAST_ZERO. EROFS on a read-only
   * device.
   */
  void writeZeroes(long offset, long length, IoFlags flags) throws IOException;

  /** As {@link #writeZeroes(long, long, IoFlags)} with no flag. */
  default void writeZeroes(long offset, long length) throws IOException {
    writeZeroes(offset, length, IoFlags.NONE);
  }

  /** Everything written before this call is on stable storage when it returns. */
  void flush() throws IOException;

  /**
   * Copies the range into the channel, without passing the heap where it can; returns when all of
   * it was taken.
   */
  void transferTo(long offset, long length, WritableByteChannel target) throws IOException;

  /** Hint that the range is read soon. Does nothing where it cannot. */
  default void prefetch(long offset, long length) throws IOException {}

  /**
   * What is allocated in the range: extents in order, without gaps, covering it wholly, at most
   * {@code limit} of them (then they cover a first part). Where nothing is known, everything is
   * data.
   */
  List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException;

  /**
   * The device as a channel that begins at 0: for code that reads files. Its writes are ordinary
   * ones; it cannot be cut; closing it leaves the device as it is. One request at a time.
   */
  default SeekableByteChannel channel() {
    return new BlockChannel(name(), this::capacity, this::read, this::write);
  }

  /**
   * Copies ranges to the same places of the target, and answers how many bytes. Blocks; the
   * caller's thread does the work, holding 1 MiB of memory beyond the heap.
   *
   * @param target written from the start of each range on; what lies between stays as it is
   * @param what the ranges: {@link Extents#whole} of the capacity, or what changed
   * @param progress told how far it has come; false cancels
   * @throws BlksnapException ECANCELED: cancelled. EINTR: the thread was interrupted. EIO: the
   *     target takes nothing, though it is asked again and again. Else as {@link #read}, also for a
   *     range that is not inside the device. The target holds a part then.
   */
  default long copyTo(SeekableByteChannel target, Extents what, CopyProgress progress)
      throws IOException {
    return new BlockCopy(name(), this::read, target, progress, what.bytes()).run(what);
  }
}
