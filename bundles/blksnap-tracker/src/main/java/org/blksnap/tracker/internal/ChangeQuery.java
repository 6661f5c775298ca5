// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeSet;

/**
 * Reads a map while it is being marked. What is read is of one epoch: where a take came in between,
 * it is read again.
 */
final class ChangeQuery {
  /** Takes that may come in between before the caller is told to come back. */
  static final int RETRY_LIMIT = 64;

  private static final int SKIP_BLOCKS = Long.BYTES;

  /** Where the present epoch comes from. */
  @FunctionalInterface
  interface Source {
    Epoch get() throws BlksnapException;
  }

  /** What is asked of one epoch; may be asked again. */
  @FunctionalInterface
  interface Question<T> {
    T ask(Epoch epoch) throws BlksnapException;
  }

  private ChangeQuery() {}

  static <T> T consistent(Source source, String device, Question<T> question)
      throws BlksnapException {
    for (int i = 0; i < RETRY_LIMIT; i++) {
      Epoch before = source.get();
      T answer;
      try {
        answer = question.ask(before);
      } catch (InternalError fault) {
        throw new BlksnapException(
            Errno.EIO, "change map of " + device + " could not be read", fault);
      }
      VarHandle.acquireFence();
      if (source.get() == before) {
        return answer;
      }
    }
    throw new BlksnapException(
        Errno.EAGAIN,
        "change map of "
            + device
            + ": "
            + RETRY_LIMIT
            + " takes came while it was read; ask again when they are fewer");
  }

  /** Fills the buffer anew each time it is asked; its position is moved once. */
  static int read(Epoch epoch, long index, ByteBuffer dst) throws BlksnapException {
    int count = epoch.info().blockCount();
    if (index < 0 || index > count) {
      throw new BlksnapException(
          Errno.EINVAL,
          "map offset " + index + " refused: the map has " + count + " bytes, 0 to " + count);
    }
    int length = (int) Math.min(dst.remaining(), count - index);
    int at = dst.position();
    int previous = epoch.previous();
    for (int i = 0; i < length; i++) {
      dst.put(at + i, (byte) epoch.table().value(index + i, previous));
    }
    return length;
  }

  static ChangeSet changedSince(Epoch epoch, UUID generationId, int number)
      throws BlksnapException {
    if (number < 0 || number > MapLayout.LAST_NUMBER) {
      throw new BlksnapException(
          Errno.EINVAL,
          "changes number " + number + " refused: 0 to " + MapLayout.LAST_NUMBER + " are allowed");
    }
    CbtInfo info = epoch.info();
    if (!info.generationId().equals(generationId)) {
      return full(
          epoch,
          "generation "
              + generationId
              + " is not the present one, which began at "
              + info.since()
              + " because "
              + info.reason().text()
              + (info.reasonDetail().isEmpty() ? "" : " (" + info.reasonDetail() + ")"));
    }
    if (number > info.changesNumber()) {
      return full(epoch, "number " + number + " is above the last take's, " + info.changesNumber());
    }
    return new ChangeSet(
        false,
        "",
        info.generationId(),
        info.changesNumber(),
        info.blockSize(),
        extents(epoch, number));
  }

  private static ChangeSet full(Epoch epoch, String reason) {
    CbtInfo info = epoch.info();
    List<ByteRange> all =
        epoch.capacity() == 0 ? List.of() : List.of(new ByteRange(0, epoch.capacity()));
    return new ChangeSet(
        true, reason, info.generationId(), info.changesNumber(), info.blockSize(), all);
  }

  private static List<ByteRange> extents(Epoch epoch, int number) {
    List<ByteRange> extents = new ArrayList<>();
    MarkTable table = epoch.table();
    int previous = epoch.previous();
    long count = epoch.info().blockCount();
    long begin = -1;
    for (long block = 0; block < count; block++) {
      if (begin < 0 && (block & (SKIP_BLOCKS - 1)) == 0) {
        while (block + SKIP_BLOCKS <= count && table.untouched(block)) {
          block += SKIP_BLOCKS;
        }
        if (block >= count) {
          break;
        }
      }
      boolean changed = table.value(block, previous) > number;
      if (changed && begin < 0) {
        begin = block;
      } else if (!changed && begin >= 0) {
        extents.add(extent(epoch, begin, block));
        begin = -1;
      }
    }
    if (begin >= 0) {
      extents.add(extent(epoch, begin, count));
    }
    return extents;
  }

  private static ByteRange extent(Epoch epoch, long from, long to) {
    long offset = from << epoch.shift();
    return new ByteRange(offset, Math.min(to << epoch.shift(), epoch.capacity()) - offset);
  }
}
