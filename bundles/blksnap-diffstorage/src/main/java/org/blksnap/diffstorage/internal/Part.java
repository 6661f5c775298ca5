// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/**
 * Bytes behind one stretch of the pool. Positions count from the part's beginning and are checked
 * by the caller. Buffers are consumed wholly or an exception is thrown. Any thread.
 */
interface Part {
  void read(long position, ByteBuffer dst) throws IOException;

  void write(long position, ByteBuffer src) throws IOException;

  void transferTo(long position, long length, WritableByteChannel target) throws IOException;
}
