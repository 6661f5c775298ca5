// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.control;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.dispatch.CallerGone;
import org.blksnap.ioctl.internal.dispatch.ControlDispatcher;
import org.blksnap.ioctl.internal.dispatch.Target;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One call of one client, from its first byte to its result. Thread rule: its own thread. */
final class CallConnection {
  private static final Logger LOG = LoggerFactory.getLogger(CallConnection.class);

  private final ClientSocket socket;
  private final ControlDispatcher dispatcher;
  private final BooleanSupplier stopping;

  CallConnection(ClientSocket socket, ControlDispatcher dispatcher, BooleanSupplier stopping) {
    this.socket = socket;
    this.dispatcher = dispatcher;
    this.stopping = stopping;
  }

  void run() {
    try {
      socket.write(CallFrame.frame(CallFrame.RESULT, answer(), 0));
    } catch (IOException e) {
      LOG.debug("a call ended without an answer: {}", e.toString());
    }
  }

  /** IOException: what was said makes no sense, or nobody is there. */
  private int answer() throws IOException {
    ByteBuffer call = CallFrame.allocate(CallFrame.CALL_SIZE);
    socket.read(call);
    if (call.getLong(0) != CallFrame.MAGIC) {
      throw new IOException("this is no client of ours");
    }
    if (call.getShort(CallFrame.CALL_VERSION) != CallFrame.VERSION) {
      return CallFrame.OTHER_VERSION;
    }
    ByteBuffer path = ByteBuffer.allocate(CallFrame.pathLength(call));
    socket.read(path);
    Target target = CallFrame.target(call, path.array());
    RemoteCaller caller = new RemoteCaller(socket, directory(target, path.array()), stopping);
    try {
      return dispatcher.call(
          target, call.getInt(CallFrame.CALL_WORD), call.getLong(CallFrame.CALL_ARGUMENT), caller);
    } catch (CallerGone e) {
      throw e;
    } catch (RuntimeException e) {
      LOG.warn("a call on {} failed", target, e);
      return Errno.EIO.code();
    }
  }

  /** Where it cannot be had, only absolute paths lead anywhere. */
  private static Path directory(Target target, byte[] path) {
    if (target.kind() == Target.Kind.CONTROL) {
      try {
        Path directory = Path.of(new String(path, StandardCharsets.UTF_8));
        if (directory.isAbsolute()) {
          return directory;
        }
      } catch (InvalidPathException e) {
        LOG.debug("a working directory no path can have: {}", e.toString());
      }
    }
    return Path.of("/");
  }
}
