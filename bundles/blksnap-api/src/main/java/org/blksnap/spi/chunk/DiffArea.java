// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.chunk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.osgi.annotation.versioning.ProviderType;

/**
 * One device's saved chunks in one snapshot (reference, section 6). {@link #preserve} is called by
 * any number of threads under the shared side of the device's gate, and image access likewise;
 * {@link #close} under its exclusive side.
 */
@ProviderType
public interface DiffArea extends Closeable {
  /** Bytes, a power of two. */
  int chunkSize();

  int chunkCount();

  /**
   * Makes sure that the old content of every page the range touches can be read elsewhere, before
   * the live write goes down. Returns once it is read, not once it is stored. A failure corrupts
   * this area and returns: the live write goes on. Throws only EAGAIN, and only with {@code
   * noWait}, where something would have to be copied; then nothing was.
   */
  void preserve(long offset, long length, boolean noWait) throws BlksnapException;

  /**
   * Image read: saved pages from memory or storage, the rest from the live device, never a torn
   * mix. EIO once corrupted.
   */
  void read(ByteBuffer dst, long offset) throws IOException;

  /**
   * Image write: into the area alone. Partly covered pages are loaded first. EIO once corrupted.
   */
  void write(ByteBuffer src, long offset) throws IOException;

  /** Image write of zeroes. */
  void writeZeroes(long offset, long length) throws IOException;

  void transferTo(long offset, long length, WritableByteChannel target) throws IOException;

  /**
   * Bytes from {@code offset} on that are alike in being saved ({@code true} in the answer's sign)
   * or not; see {@link Run}.
   */
  Run runAt(long offset, long limit);

  /** Everything queued is stored when it returns, or the area is corrupted. Bounded in time. */
  void settle();

  /** {@link Errno#OK} or the first error. */
  Errno error();

  /** What failed, for a person. */
  String detail();

  /**
   * Corrupts it from outside (storage lost, device changed behind our back). The first error wins.
   */
  void corrupt(Errno error, String detail);

  DiffAreaStatus status();

  /**
   * Announces {@link #close}: nothing more is stored, and a store under way may fail without harm.
   * What is not stored stays for {@link ChunkEngine#adopt}. For whoever is about to end the storage
   * that the area's worker may be waiting for. Returns at once; idempotent.
   */
  void retire();

  /** Stops working and leaves everything for {@link ChunkEngine#adopt}. Idempotent. */
  @Override
  void close();

  /** Closes and removes its files. Idempotent. */
  void delete();

  /**
   * A stretch of the image.
   *
   * @param length bytes, more than zero
   * @param saved true: it lies in the area; false: in the live device, for now
   */
  record Run(long length, boolean saved) {}
}
