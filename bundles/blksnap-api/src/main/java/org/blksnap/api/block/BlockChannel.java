// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SeekableByteChannel;
import java.util.function.LongSupplier;

/**
 * A device as a channel with a position, for code that reads files. Monitor: the position, and one
 * request at a time. Closing it leaves the device as it is.
 */
final class BlockChannel implements SeekableByteChannel {
  /** A request of the device. */
  @FunctionalInterface
  interface Request {
    void of(ByteBuffer buffer, long offset) throws IOException;
  }

  private final String name;
  private final LongSupplier capacity;
  private final Request reading;
  private final Request writing;
  private long position;
  private volatile boolean closed;

  /** The device's name, its capacity in bytes as it is at each call, its requests. */
  BlockChannel(String name, LongSupplier capacity, Request reading, Request writing) {
    this.name = name;
    this.capacity = capacity;
    this.reading = reading;
    this.writing = writing;
  }

  @Override
  public synchronized int read(ByteBuffer dst) throws IOException {
    checkOpen();
    long left = capacity.getAsLong() - position;
    if (left <= 0) {
      return -1;
    }
    int length = (int) Math.min(left, dst.remaining());
    int limit = dst.limit();
    dst.limit(dst.position() + length);
    try {
      reading.of(dst, position);
    } finally {
      dst.limit(limit);
    }
    position += length;
    return length;
  }

  @Override
  public synchronized int write(ByteBuffer src) throws IOException {
    checkOpen();
    int length = src.remaining();
    writing.of(src, position);
    position += length;
    return length;
  }

  @Override
  public synchronized long position() throws IOException {
    checkOpen();
    return position;
  }

  @Override
  public synchronized SeekableByteChannel position(long newPosition) throws IOException {
    checkOpen();
    if (newPosition < 0) {
      throw new IllegalArgumentException(
          "position " + newPosition + " refused: allowed is 0 or more");
    }
    position = newPosition;
    return this;
  }

  @Override
  public long size() throws IOException {
    checkOpen();
    return capacity.getAsLong();
  }

  @Override
  public synchronized SeekableByteChannel truncate(long size) throws IOException {
    checkOpen();
    if (size < 0) {
      throw new IllegalArgumentException("size " + size + " refused: allowed is 0 or more");
    }
    if (size >= capacity.getAsLong()) {
      position = Math.min(position, size);
      return this;
    }
    throw new BlksnapException(
        Errno.EOPNOTSUPP, name + " was not cut to " + size + " bytes: a device keeps its size");
  }

  private void checkOpen() throws ClosedChannelException {
    if (closed) {
      throw new ClosedChannelException();
    }
  }

  @Override
  public boolean isOpen() {
    return !closed;
  }

  @Override
  public void close() {
    closed = true;
  }
}
