// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.util.Arrays;
import java.util.List;
import org.blksnap.linux.file.EnduringFile;

/**
 * Which part stands behind which address. Immutable; a pool that grows makes a new one. Part i
 * covers {@code [base(i), base(i + 1))}, without gaps.
 */
final class AddressTable {
  static final AddressTable EMPTY = new AddressTable(new long[1], new Part[0]);

  /** One more than parts: the last one is the capacity. */
  private final long[] bases;

  private final Part[] parts;

  private AddressTable(long[] bases, Part[] parts) {
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
    return new AddressTable(allBases, allParts);
  }

  int size() {
    return parts.length;
  }

  long capacity() {
    return bases[parts.length];
  }

  boolean uses(EnduringFile file) {
    return Arrays.stream(parts).anyMatch(part -> part instanceof FilePart f && f.file() == file);
  }

  Part part(int index) {
    return parts[index];
  }

  long base(int index) {
    return bases[index];
  }

  long end(int index) {
    return bases[index + 1];
  }

  /** The part an address lies in; the number of parts for the capacity itself. */
  int indexOf(long address) {
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
