// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.snapshot.StorageStatus;
import org.osgi.annotation.versioning.ProviderType;

/**
 * One pool of space for one snapshot (reference, section 7). An address is a byte position in the
 * pool as a whole: it stays true as long as the pool lives, also across {@link
 * StorageProvider#adopt}. Any thread.
 */
@ProviderType
public interface DiffStorage extends Closeable {
  /**
   * Adds ranges (bytes) of a file or block device; an empty list adds all of it. EINVAL, ENOENT,
   * EACCES.
   */
  void appendRanges(Path path, List<ByteRange> ranges, Geometry geometry) throws BlksnapException;

  /** Adds a directory in which it grows by itself up to the limit (bytes). */
  void appendDirectory(Path directory, long limit) throws BlksnapException;

  /** Adds memory. */
  void appendMemory(long bytes) throws BlksnapException;

  /**
   * Bytes that can be needed at most for all that may be saved, asked anew each time it matters; 0
   * or less: not known. It asks for no more than that and makes no more by itself.
   */
  void expect(LongSupplier atMost);

  /** True as long as nothing was added. */
  boolean isEmpty();

  /** Largest logical block of its parts, bytes; 0 while empty. */
  int logicalBlockSize();

  /**
   * One chunk, contiguous, never across two ranges. ENOSPC: the pool has no room now, and has said
   * so to whoever waits for its events; ask again, it may be given more. May grow a directory.
   */
  long allocate(int bytes) throws BlksnapException;

  void read(long address, ByteBuffer dst) throws IOException;

  void write(long address, ByteBuffer src) throws IOException;

  void transferTo(long address, long length, WritableByteChannel target) throws IOException;

  /** Forces everything written to disk; nothing to do for kinds that keep nothing on one. */
  default void flush() throws IOException {}

  StorageStatus status();

  /** Leaves everything for a successor; ESTALE answers whatever is asked then. Idempotent. */
  @Override
  void close();

  /** Closes, and removes what it made itself (directory files, its own file). Idempotent. */
  void delete();
}
