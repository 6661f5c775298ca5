// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;

/**
 * Memory outside the heap of this process. How much it may have is known, so that too much is
 * refused before gigabytes of it are cleared in vain.
 */
final class DirectMemory {
  private static final String OPTION = "-XX:MaxDirectMemorySize=";
  private static final long LIMIT =
      limit(
          ManagementFactory.getRuntimeMXBean().getInputArguments(),
          Runtime.getRuntime().maxMemory());

  /** Bytes of the largest single piece. */
  private static final int PIECE = 1 << 30;

  private DirectMemory() {}

  /**
   * So many bytes in pieces. EINVAL where it is no multiple of 512, ENOMEM where it is too much.
   */
  static List<ByteBuffer> allocate(long bytes) throws BlksnapException {
    if (bytes <= 0 || bytes % ByteRange.SECTOR != 0) {
      throw new BlksnapException(
          Errno.EINVAL, bytes + " bytes of memory refused: give a multiple of 512, more than 0");
    }
    if (bytes > limit()) {
      throw tooMuchMemory(bytes, null);
    }
    List<ByteBuffer> pieces = new ArrayList<>();
    for (long left = bytes; left > 0; left -= pieces.get(pieces.size() - 1).capacity()) {
      pieces.add(piece(bytes, (int) Math.min(left, PIECE)));
    }
    return pieces;
  }

  private static ByteBuffer piece(long wanted, int size) throws BlksnapException {
    try {
      return ByteBuffer.allocateDirect(size);
    } catch (OutOfMemoryError e) {
      throw tooMuchMemory(wanted, e);
    }
  }

  private static BlksnapException tooMuchMemory(long wanted, OutOfMemoryError cause) {
    return new BlksnapException(
        Errno.ENOMEM,
        wanted
            + " bytes of memory refused: the process may not have so much outside its heap, all it"
            + " may have there is "
            + limit()
            + "; give less, or raise -XX:MaxDirectMemorySize",
        cause);
  }

  /** Bytes. */
  static long limit() {
    return LIMIT;
  }

  /** What the last option says; the heap's largest size without one. */
  static long limit(List<String> arguments, long largestHeap) {
    long limit = largestHeap;
    for (String argument : arguments) {
      if (argument.startsWith(OPTION)) {
        long given = bytes(argument.substring(OPTION.length()).toLowerCase(Locale.ROOT));
        limit = given == 0 ? largestHeap : given;
      }
    }
    return limit;
  }

  /** Not understood is no limit: the allocation then finds it out. */
  private static long bytes(String size) {
    int unit = size.isEmpty() ? -1 : "kmgt".indexOf(size.charAt(size.length() - 1));
    String digits = unit < 0 ? size : size.substring(0, size.length() - 1);
    try {
      return Math.multiplyExact(Long.parseLong(digits), 1L << 10 * (unit + 1));
    } catch (ArithmeticException | NumberFormatException odd) {
      return Long.MAX_VALUE;
    }
  }
}
