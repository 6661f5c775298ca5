// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;

/**
 * What a disk has to hold, without its bytes: each page's content follows from the page's number
 * and from how often it was written. A page belongs to one writer; the rest is for a moment when
 * nobody writes.
 */
final class PageOracle {
  static final int PAGE = 4096;
  static final int BLOCK = 64 << 10;
  static final int PAGES_IN_BLOCK = BLOCK / PAGE;

  private final long seed;
  private final int[] versions;
  private final boolean[] written;

  PageOracle(long seed, int pages) {
    this.seed = seed;
    this.versions = new int[pages];
    this.written = new boolean[pages];
  }

  long seed() {
    return seed;
  }

  int pages() {
    return versions.length;
  }

  int version(int page) {
    return versions[page];
  }

  /** Before the request is sent: from now on the block may be marked. */
  void attempted(int page) {
    written[page] = true;
  }

  void stored(int page, int version) {
    versions[page] = version;
  }

  int[] snapshot() {
    return versions.clone();
  }

  /** Tracking blocks written since this was last asked; asking begins anew. */
  BitSet takeWrittenBlocks() {
    BitSet blocks = new BitSet();
    for (int page = 0; page < written.length; page++) {
      if (written[page]) {
        blocks.set(page / PAGES_IN_BLOCK);
      }
    }
    Arrays.fill(written, false);
    return blocks;
  }

  void content(int page, int version, byte[] into) {
    ByteBuffer words = ByteBuffer.wrap(into);
    long state = seed ^ page * 0x9E3779B97F4A7C15L ^ version * 0xC2B2AE3D27D4EB4FL;
    while (words.hasRemaining()) {
      state = state * 6364136223846793005L + 1442695040888963407L;
      words.putLong(state ^ state >>> 29);
    }
  }
}
