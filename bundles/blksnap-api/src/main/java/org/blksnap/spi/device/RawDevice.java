// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.device;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

  /**
   * As of open or the last {@link #refresh}. The capacity of a file that ends within a sector is
   * that of all its sectors: behind the file's end they read as zeroes, and a write there makes the
   * file longer.
   */
  Geometry geometry();

  DeviceIdentity identity();

  /** Looks at the size again; true where the capacity changed. */
  boolean refresh() throws IOException;

  /**
   * What tells a change made behind our back: size, time stamps, write counters; compared for
   * equality alone. Two equal strings, taken with nothing of ours written between them (after
   * {@link #flush}), mean that nobody else wrote either, as long as the first one was taken no
   * sooner than {@link #stampGranule} after the last write. Where the system proves nothing, no two
   * are equal.
   */
  String fingerprint() throws IOException;

  /**
   * How long after a change another one may still bear the same time stamps: what the file system
   * tells apart. Zero where no stamps are looked at.
   */
  Duration stampGranule() throws IOException;

  /**
   * Where {@link #fingerprint} reads, in this order, so that another process can read it in our
   * place. Changes with the device's surroundings: partitions, a loop device's file.
   */
  List<Trace> traces() throws IOException;

  /**
   * The fingerprint of the moment of these readings of {@link #traces}, made in this boot of the
   * host. Empty where they prove nothing, also where one that is wanted now is missing.
   */
  Optional<String> fingerprintOf(Map<Trace, String> readings);

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

  /**
   * True where the directory or file lies on a file system that stands on this device, also through
   * loop devices, overlays and other devices between; a block device, where it is made of this one.
   */
  boolean carries(Path path) throws IOException;

  /** Where the file systems that {@link #freeze} would freeze now are mounted, once each. */
  default List<Path> mountPoints() {
    return List.of();
  }

  /**
   * Freezes the file systems mounted from this device, if any. The answer thaws them when closed,
   * and does so by itself when the deadline has passed; a process outside this JVM does so too,
   * should the JVM stand still or die. Nothing mounted: an answer that does nothing. Fails where
   * one could not be frozen, or no such process came; then all are thawed.
   */
  Thaw freeze(Duration deadline) throws BlksnapException;

  /** Ends a freeze; idempotent, never throws. */
  interface Thaw extends AutoCloseable {
    /** How many file systems it froze. */
    default int fileSystems() {
      return 0;
    }

    /**
     * True where it was thawed before it was asked to be: by the deadline, by the process outside,
     * or by others. Asked after {@link #close} it is the last word on that.
     */
    boolean expired();

    @Override
    void close();
  }
}
