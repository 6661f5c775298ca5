// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;

/** One copy of ranges of a device to the same places of a channel; used once, by one thread. */
final class BlockCopy {
  /** Bytes read at a time, and between two reports of progress. */
  private static final int PIECE = 1 << 20;

  private final String name;
  private final BlockChannel.Request reading;
  private final SeekableByteChannel target;
  private final CopyProgress progress;
  private final long total;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(PIECE);
  private long copied;

  BlockCopy(
      String name,
      BlockChannel.Request reading,
      SeekableByteChannel target,
      CopyProgress progress,
      long total) {
    this.name = name;
    this.reading = reading;
    this.target = target;
    this.progress = progress;
    this.total = total;
  }

  long run(Extents what) throws IOException {
    report();
    what.forEach(this::copy);
    return copied;
  }

  private void copy(ByteRange extent) throws IOException {
    for (long at = extent.offset(); at < extent.end(); at += buffer.limit()) {
      buffer.clear().limit((int) Math.min(PIECE, extent.end() - at));
      reading.of(buffer, at);
      buffer.flip();
      target.position(at);
      WholeWrite.of(buffer, target);
      copied += buffer.limit();
      report();
    }
  }

  private void report() throws BlksnapException {
    if (Thread.currentThread().isInterrupted()) {
      throw new BlksnapException(Errno.EINTR, ended("interrupted"));
    }
    if (!progress.goOn(copied, total)) {
      throw new BlksnapException(Errno.ECANCELED, ended("cancelled"));
    }
  }

  private String ended(String how) {
    return "the copy of "
        + name
        + " was "
        + how
        + " after "
        + copied
        + " of "
        + total
        + " bytes; what the target holds is not usable as it is";
  }
}
