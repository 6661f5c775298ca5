// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.device;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Geometry;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A device as it is, without filter. Ranges are checked by the caller. Any thread; all data methods
 * may block. Buffers are consumed wholly or an exception is thrown: EIO past the end, EROFS on
 * every change of one opened read-only, ESHUTDOWN once closed. Closing is idempotent.
 */
@ProviderType
public interface RawDevice extends Closeable {
  Path path();

  /** As of open or the last {@link #refresh}. */
  Geometry geometry();

  DeviceIdentity identity();

  /** Looks at the size again; true where the capacity changed. */
  boolean refresh() throws IOException;

  /**
   * What tells a change made behind our back: size, mtime, write counters. Two equal strings, taken
   * with nothing of ours written between them (after {@link #flush}), mean that nobody else wrote
   * either.
   */
  String fingerprint() throws IOException;

  /**
   * Time of the last change in milliseconds since the epoch, 0 where it is not known (block
   * devices).
   */
  long lastModifiedMillis() throws IOException;

  void read(ByteBuffer dst, long offset) throws IOException;

  void write(ByteBuffer src, long offset) throws IOException;

  /** Punches a hole or discards; where the host cannot, does nothing. */
  void discard(long offset, long length) throws IOException;

  /**
   * Range reads as zeroes afterwards. {@code keepAllocated}: no hole. {@code fastOnly}: EOPNOTSUPP
   * where it would mean writing zeroes.
   */
  void writeZeroes(long offset, long length, boolean keepAllocated, boolean fastOnly)
      throws IOException;

  /** fdatasync. */
  void flush() throws IOException;

  void transferTo(long offset, long length, WritableByteChannel target) throws IOException;

  void prefetch(long offset, long length) throws IOException;

  /** As {@link org.blksnap.api.block.BlockDevice#allocation}. */
  List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException;

  /** True where the directory lies on a file system that stands on this device. */
  boolean carries(Path directory) throws IOException;

  /**
   * Freezes the file systems mounted from this device, if any. The answer thaws them when closed,
   * and does so by itself when the deadline has passed. Nothing mounted: an answer that does
   * nothing. Fails where one could not be frozen; then all are thawed.
   */
  Thaw freeze(Duration deadline) throws BlksnapException;

  /** Ends a freeze; idempotent, never throws. */
  interface Thaw extends AutoCloseable {
    /** How many file systems it froze. */
    default int fileSystems() {
      return 0;
    }

    /** True where the deadline has thawed it already. */
    boolean expired();

    @Override
    void close();
  }
}
