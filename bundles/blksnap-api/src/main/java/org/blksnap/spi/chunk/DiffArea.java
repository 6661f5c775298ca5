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
   * this area and returns: the live write goes on. Throws only EAGAIN: then something would have to
   * be copied first, and the live write must not go down. With {@code noWait}, because copying is a
   * wait. Without, because the area retires or those who wait were sent away: the caller leaves the
   * gate and comes again. A wait for a buffer ends after the provider's bound at the latest. Pages
   * that read as zeroes take no storage.
   */
  void preserve(long offset, long length, boolean noWait) throws BlksnapException;

  /**
   * Image read: saved pages from memory or storage, the rest from the live device, never a torn
   * mix. EIO once corrupted, ESTALE once abandoned, ESHUTDOWN once closed.
   */
  void read(ByteBuffer dst, long offset) throws IOException;

  /**
   * Image write: into the area alone. Partly covered pages are loaded first. EIO once corrupted.
   * EAGAIN as of {@link #preserve}, perhaps with some of it written: the caller leaves the gate and
   * repeats all of it. ENOSPC where no buffer and no storage is left, EIO where no buffer became
   * free within the provider's bound: perhaps with some of it written, and the area is as good as
   * before. ESTALE once abandoned.
   */
  void write(ByteBuffer src, long offset) throws IOException;

  /** Image write of zeroes; whole pages take no storage. Errors as of {@link #write}. */
  void writeZeroes(long offset, long length) throws IOException;

  void transferTo(long offset, long length, WritableByteChannel target) throws IOException;

  /**
   * Bytes from {@code offset} on that are alike in being saved ({@code true} in the answer's sign)
   * or not; see {@link Run}.
   */
  Run runAt(long offset, long limit);

  /**
   * Everything queued is stored when it returns, or the area is corrupted. Bounded in time. ENOSPC:
   * the storage has no room now; what could not be stored is still in memory and nothing is lost.
   */
  void settle() throws BlksnapException;

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
   * Who waits in {@link #preserve} or {@link #write} for a buffer ends its wait with EAGAIN. For
   * whoever closes the gate in which they wait, so that no closing depends on the storage. Returns
   * at once; costs nothing where nobody waits.
   */
  void sendAway();

  /**
   * Announces {@link #close}: nothing more is saved or stored, every wait ends, and a store under
   * way may fail without harm. What is not stored stays for {@link ChunkEngine#adopt}. Returns at
   * once; idempotent.
   */
  void retire();

  /**
   * Announces {@link #delete}: the snapshot is destroyed. Every wait ends and live writes pass,
   * nothing is saved any more, image access fails with ESTALE, a read under way too. Returns at
   * once; idempotent. Needs no gate.
   */
  void abandon();

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
