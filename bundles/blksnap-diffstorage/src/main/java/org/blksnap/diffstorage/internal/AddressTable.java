// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.file.EnduringFile;

/**
 * Which part stands behind which address, and reading and writing there. Immutable; a pool that
 * grows makes a new one. Part i covers {@code [base(i), base(i + 1))}, without gaps.
 */
final class AddressTable {
  private final UUID snapshot;

  /** One more than parts: the last one is the capacity. */
  private final long[] bases;

  private final Part[] parts;

  /** Without any part yet; the snapshot's id is for messages. */
  AddressTable(UUID snapshot) {
    this(snapshot, new long[1], new Part[0]);
  }

  private AddressTable(UUID snapshot, long[] bases, Part[] parts) {
    this.snapshot = snapshot;
    this.bases = bases;
    this.parts = parts;
  }

  AddressTable with(List<Part> more, List<Long> lengths) {
    int old = parts.length;
    Part[] allParts = Arrays.copyOf(parts, old + more.size());
    long[] allBases = Arrays.copyOf(bases, bases.length + more.size());
    for (int i = 0; i < more.size(); i++) {
      allParts[old + i] = more.get(i);
      allBases[old + i + 1] = allBases[old + i] + lengths.get(i);
    }
    return new AddressTable(snapshot, allBases, allParts);
  }

  long capacity() {
    return bases[parts.length];
  }

  boolean uses(EnduringFile file) {
    return Arrays.stream(parts).anyMatch(part -> part instanceof FilePart f && f.file() == file);
  }

  void read(long address, ByteBuffer dst) throws IOException {
    transfer(address, dst, false);
  }

  void write(long address, ByteBuffer src) throws IOException {
    transfer(address, src, true);
  }

  /** A chunk lies in one part; a request for several chunks may pass from one part to the next. */
  private void transfer(long address, ByteBuffer buffer, boolean writing) throws IOException {
    check(address, buffer.remaining());
    int limit = buffer.limit();
    long at = address;
    try {
      for (int i = indexOf(at); buffer.position() < limit; i++) {
        buffer.limit((int) Math.min(limit, buffer.position() + bases[i + 1] - at));
        if (writing) {
          parts[i].write(at - bases[i], buffer);
        } else {
          parts[i].read(at - bases[i], buffer);
        }
        at = bases[i + 1];
      }
    } finally {
      buffer.limit(limit);
    }
  }

  public void transferTo(long address, long length, WritableByteChannel target) throws IOException {
    check(address, length);
    long end = address + length;
    long at = address;
    for (int i = indexOf(at); at < end; i++) {
      long stop = Math.min(end, bases[i + 1]);
      parts[i].transferTo(at - bases[i], stop - at, target);
      at = stop;
    }
  }

  private void check(long address, long length) throws BlksnapException {
    if (address < 0 || length < 0 || length > capacity() - address) {
      throw new BlksnapException(
          Errno.EINVAL,
          "difference storage of snapshot "
              + snapshot
              + ": address "
              + address
              + " length "
              + length
              + " refused: not inside its "
              + capacity()
              + " bytes");
    }
  }

  /** The part an address lies in; the number of parts for the capacity itself. */
  private int indexOf(long address) {
    int found = Arrays.binarySearch(bases, address);
    return found >= 0 ? found : -found - 2;
  }

  /**
   * The first address from {@code from} on with {@code bytes} bytes in one part; -1 where there is
   * none.
   */
  long place(long from, int bytes) {
    long at = from;
    for (int i = indexOf(from); i < parts.length; i++) {
      if (bases[i + 1] - at >= bytes) {
        return at;
      }
      at = bases[i + 1];
    }
    return -1;
  }
}
