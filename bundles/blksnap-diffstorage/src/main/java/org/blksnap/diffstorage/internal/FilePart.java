// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import org.blksnap.linux.file.EnduringFile;

/**
 * A range of a file or block device.
 *
 * @param file shared by all ranges of it
 * @param offset where the range begins in it
 */
record FilePart(EnduringFile file, long offset) implements Part {
  @Override
  public void read(long position, ByteBuffer dst) throws IOException {
    file.read(dst, offset + position);
  }

  @Override
  public void write(long position, ByteBuffer src) throws IOException {
    file.write(src, offset + position);
  }

  @Override
  public void transferTo(long position, long length, WritableByteChannel target)
      throws IOException {
    file.transferTo(offset + position, length, target);
  }
}
