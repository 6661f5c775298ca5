// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.module.TrackerState;

/**
 * Reads a piece of a change map. The module copies what is there and does not tell how much, so the
 * map's length is asked before and after: the same generation and length on both sides mean that
 * the piece is of that map. Where it began anew meanwhile the piece is read again.
 */
final class MapReading {
  /** Rounds in which the map began anew, until EAGAIN. */
  static final int ROUNDS = 8;

  /** Most bytes that go by way of memory of our own, where the caller's is not direct. */
  static final int COPY_PIECE = 1 << 20;

  /** One device's map. */
  interface Source {
    TrackerState state() throws BlksnapException;

    /** Both fit an unsigned int. */
    void read(long offset, int length, long address) throws BlksnapException;
  }

  private MapReading() {}

  static int read(ModuleCalls calls, String device, Source source, long index, ByteBuffer dst)
      throws BlksnapException {
    if (dst.isReadOnly()) {
      throw new BlksnapException(
          Errno.EINVAL, "cbtmap of " + device + " refused: the buffer is read-only");
    }
    for (int round = 0; round < ROUNDS; round++) {
      TrackerState before = source.state();
      int length = length(device, before, index, dst.remaining());
      if (length == 0) {
        return 0;
      }
      int start = dst.position();
      if (dst.isDirect()) {
        source.read(index, length, calls.address(dst) + start);
        Reference.reachabilityFence(dst);
      } else {
        copy(calls, source, index, length, dst.duplicate());
      }
      TrackerState after = source.state();
      if (after.generation().equals(before.generation())
          && after.blockCount() == before.blockCount()) {
        dst.position(start + length);
        return length;
      }
    }
    throw new BlksnapException(
        Errno.EAGAIN,
        "cbtmap of "
            + device
            + " at "
            + index
            + ": the map began anew "
            + ROUNDS
            + " times while it was read; try again");
  }

  private static int length(String device, TrackerState state, long index, int room)
      throws BlksnapException {
    if (index < 0 || index > state.blockCount()) {
      throw new BlksnapException(
          Errno.EINVAL,
          "cbtmap of "
              + device
              + " at "
              + index
              + " refused: the map has "
              + state.blockCount()
              + " bytes; give 0 to that");
    }
    return (int) Math.min(room, state.blockCount() - index);
  }

  private static void copy(ModuleCalls calls, Source source, long index, int length, ByteBuffer dst)
      throws BlksnapException {
    Memory piece = Memory.of(calls, Math.min(length, COPY_PIECE));
    for (int done = 0; done < length; done += piece.size()) {
      int size = Math.min(piece.size(), length - done);
      source.read(index + done, size, piece.address());
      piece.used();
      dst.put(piece.bytes().duplicate().limit(size));
    }
  }
}
