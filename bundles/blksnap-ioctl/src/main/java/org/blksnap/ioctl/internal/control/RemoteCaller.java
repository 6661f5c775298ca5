// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.control;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.dispatch.Caller;
import org.blksnap.ioctl.internal.dispatch.CallerGone;

/**
 * The program at the other end of a connection. Its memory is asked for in frames of {@link
 * CallFrame#MOST_BYTES}, and what is written is there once the client has said so.
 */
final class RemoteCaller implements Caller {
  private final ClientSocket socket;
  private final Path directory;
  private final BooleanSupplier stopping;

  /**
   * @param directory the program's working directory
   * @param stopping whether waits are to end, since the server does
   */
  RemoteCaller(ClientSocket socket, Path directory, BooleanSupplier stopping) {
    this.socket = socket;
    this.directory = directory;
    this.stopping = stopping;
  }

  @Override
  public void read(long address, ByteBuffer to) throws IOException {
    long from = address;
    int end = to.limit();
    while (to.position() < end) {
      int bytes = Math.min(end - to.position(), CallFrame.MOST_BYTES);
      socket.write(CallFrame.frame(CallFrame.READ, bytes, from));
      status(from, bytes);
      socket.read(to.limit(to.position() + bytes));
      from += bytes;
    }
    to.flip();
  }

  @Override
  public void write(long address, ByteBuffer from) throws IOException {
    long to = address;
    int end = from.limit();
    while (from.position() < end) {
      int bytes = Math.min(end - from.position(), CallFrame.MOST_BYTES);
      socket.write(
          CallFrame.frame(CallFrame.WRITE, bytes, to), from.limit(from.position() + bytes));
      status(to, bytes);
      to += bytes;
    }
  }

  private void status(long address, int bytes) throws IOException {
    ByteBuffer status = CallFrame.allocate(CallFrame.STATUS_SIZE);
    socket.read(status);
    if (status.getInt(0) != 0) {
      throw new BlksnapException(
          Errno.EFAULT,
          bytes + " bytes of the caller's at " + Long.toHexString(address) + " cannot be had");
    }
  }

  @Override
  public Path directory() {
    return directory;
  }

  @Override
  public boolean interrupted() throws CallerGone {
    socket.checkSilent();
    return stopping.getAsBoolean();
  }

  @Override
  public void goesOnWaiting() throws CallerGone {
    socket.write(CallFrame.frame(CallFrame.WAITING, 0, 0));
  }
}
