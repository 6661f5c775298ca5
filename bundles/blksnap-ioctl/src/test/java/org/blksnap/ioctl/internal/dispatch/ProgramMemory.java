// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * A program of one piece of memory, which begins at {@link #BASE}; the part from {@link #readOnly}
 * on can be read only, and every other address faults. One thread.
 */
public final class ProgramMemory implements Caller {
  /** Not the first address there is. */
  public static final long BASE = 0x7f00_0000_0000L;

  private final ByteBuffer bytes;
  private int writable;
  private int callsUntilGone = Integer.MAX_VALUE;
  private int asksUntilInterrupted = Integer.MAX_VALUE;

  public ProgramMemory(int size) {
    bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    writable = size;
  }

  /** For tests to look at and to fill, whatever may be written. */
  public ByteBuffer bytes() {
    return bytes;
  }

  /** The address behind its last byte. */
  public long end() {
    return BASE + bytes.capacity();
  }

  /** Offset of the first byte that cannot be written. */
  public ProgramMemory readOnly(int from) {
    writable = from;
    return this;
  }

  /** The program dies at its so-many-and-first access from now on. */
  public ProgramMemory goneAfter(int accesses) {
    callsUntilGone = accesses;
    return this;
  }

  /** A signal comes at the so-many-and-first look. */
  public ProgramMemory interruptedAfter(int looks) {
    asksUntilInterrupted = looks;
    return this;
  }

  @Override
  public void read(long address, ByteBuffer to) throws BlksnapException, CallerGone {
    int offset = offset(address, to.remaining(), bytes.capacity());
    int from = to.position();
    to.put(bytes.duplicate().position(offset).limit(offset + to.remaining()));
    to.position(from);
  }

  @Override
  public void write(long address, ByteBuffer from) throws BlksnapException, CallerGone {
    int offset = offset(address, from.remaining(), writable);
    bytes.duplicate().position(offset).put(from);
  }

  private int offset(long address, int length, int end) throws BlksnapException, CallerGone {
    if (callsUntilGone-- <= 0) {
      throw new CallerGone("killed");
    }
    long offset = address - BASE;
    if (offset < 0 || offset > end - length) {
      throw new BlksnapException(Errno.EFAULT, "no such address: " + Long.toHexString(address));
    }
    return (int) offset;
  }

  @Override
  public Path directory() {
    return Path.of("/");
  }

  @Override
  public boolean interrupted() {
    return asksUntilInterrupted-- <= 0;
  }

  @Override
  public void goesOnWaiting() {}
}
