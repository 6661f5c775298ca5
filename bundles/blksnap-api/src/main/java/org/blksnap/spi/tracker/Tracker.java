// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.tracker;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.GenerationReason;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The change tracking of one device (reference, section 4). {@link #mark} and {@link #markBoth} are
 * called by any number of threads under the shared side of the device's gate; {@link
 * PreparedTake#commit}, {@link #renew} and the closing methods under its exclusive side, so never
 * while a mark is under way. The queries of {@link ChangeMap} come at any time. Once closed or
 * handed over it answers ESHUTDOWN, and marks are ignored.
 */
@ProviderType
public interface Tracker extends ChangeMap {
  /**
   * Whether opening this tracker began its first generation: false where the marks of an earlier
   * one go on. The reason is in {@link ChangeMap#info}. Stays as it is for the tracker's life.
   */
  boolean begunByOpening();

  /**
   * Marks a write, before its data moves. Never throws, never blocks (durable mode: waits for the
   * disk on the first mark of a block since the last take; an error there makes the map corrupted,
   * and so void). An impossible range makes the map corrupted.
   */
  void mark(long offset, long length);

  /** Marks in both maps: writes to an image. */
  void markBoth(long offset, long length);

  /**
   * All that may fail or takes time for the next take, with the device's present capacity (bytes).
   */
  PreparedTake prepareTake(long capacity) throws BlksnapException;

  /**
   * Begins a new generation whose blocks follow this rule, as do those of all later ones. EFBIG:
   * too many blocks; then the rule is the old one.
   */
  void renew(long capacity, BlockSizeRule rule, GenerationReason reason, String detail)
      throws BlksnapException;

  /** Begins a new generation. */
  void renew(long capacity, GenerationReason reason, String detail) throws BlksnapException;

  /** Durable mode: whether anything was marked since this was asked last; else false. */
  boolean stirred();

  /**
   * Durable mode, else nothing: says on disk that the device is at rest with this fingerprint,
   * everything of ours flushed; under the exclusive side of the gate. The next change takes that
   * back, on disk, before it is made. A power loss in between is as one after {@link #close}.
   */
  void rest(String fingerprint) throws BlksnapException;

  /** Forces the map to disk. */
  void flush() throws BlksnapException;

  /** Leaves the file as it is for a successor in this process. Idempotent. */
  void handOver();

  /**
   * Closes cleanly, with the device's fingerprint as it is now, everything of ours flushed. The
   * next open compares it. Idempotent.
   */
  void close(String fingerprint) throws BlksnapException;

  /** A take made ready. Exactly one of the two is called. */
  interface PreparedTake {
    /** Switches the maps. Does not fail, and takes microseconds. */
    void commit();

    /** Undoes the preparation. */
    void abort();
  }
}
