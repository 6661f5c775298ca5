// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.control;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.blksnap.ioctl.internal.dispatch.Target;

/**
 * What is said on the socket, little-endian. A connection carries one call: the client says what it
 * calls, the server asks for memory or gives some as often as it needs, and ends with a result.
 *
 * <pre>
 * client, once: the call                       server, any number of times: a frame
 *   0  8  magic, "BLKSIOC" and a zero            0  4  kind
 *   8  2  version, 1                                   1  read: the client answers with memory
 *  10  2  kind: 0 control device,                      2  write: memory follows, the client answers
 *         1 block device, 2 file                       3  result: the last frame
 *  12  4  request word                                 4  waiting: the call may be interrupted again
 *  16  8  argument                               4  4  read, write: bytes, 1 to 4096
 *  24  4  major of a block device                      result: 0 or errno
 *  28  4  minor                                  8  8  read, write: address
 *  32  8  st_dev of a file                      16     write: the bytes
 *  40  8  st_ino
 *  48  4  bytes of the path, 0 to 4096         client, after each read and write
 *  52  4  zero                                   0  4  0, or errno
 *  56     path; of the control device the        4     read, and 0: the bytes
 *         program's working directory
 * </pre>
 */
final class CallFrame {
  /** "BLKSIOC" and a zero. */
  static final long MAGIC = 0x00434f49534b4c42L;

  static final int VERSION = 1;

  static final int CALL_SIZE = 56;
  static final int CALL_VERSION = 8;
  static final int CALL_KIND = 10;
  static final int CALL_WORD = 12;
  static final int CALL_ARGUMENT = 16;
  static final int CALL_MAJOR = 24;
  static final int CALL_MINOR = 28;
  static final int CALL_DEVICE = 32;
  static final int CALL_INODE = 40;
  static final int CALL_PATH_LENGTH = 48;

  static final int LONGEST_PATH = 4096;

  static final int READ = 1;
  static final int WRITE = 2;
  static final int RESULT = 3;
  static final int WAITING = 4;

  static final int FRAME_SIZE = 16;
  static final int FRAME_VALUE = 4;
  static final int FRAME_ADDRESS = 8;

  static final int STATUS_SIZE = 4;

  /** Bytes of memory in one frame. */
  static final int MOST_BYTES = 4096;

  /** EPROTONOSUPPORT: the answer to a call of another version. */
  static final int OTHER_VERSION = 93;

  private CallFrame() {}

  static ByteBuffer allocate(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  static ByteBuffer frame(int kind, int value, long address) {
    return allocate(FRAME_SIZE)
        .putInt(0, kind)
        .putInt(FRAME_VALUE, value)
        .putLong(FRAME_ADDRESS, address);
  }

  /** Bytes of the path that follows. */
  static int pathLength(ByteBuffer call) throws IOException {
    int length = call.getInt(CALL_PATH_LENGTH);
    if (length < 0 || length > LONGEST_PATH) {
      throw new IOException("a path of " + length + " bytes; allowed are 0 to " + LONGEST_PATH);
    }
    return length;
  }

  static Target target(ByteBuffer call, byte[] path) throws IOException {
    String text = new String(path, StandardCharsets.UTF_8);
    return switch (call.getShort(CALL_KIND)) {
      case 0 -> Target.CONTROL;
      case 1 -> Target.blockDevice(call.getInt(CALL_MAJOR), call.getInt(CALL_MINOR), text);
      case 2 -> Target.file(call.getLong(CALL_DEVICE), call.getLong(CALL_INODE), text);
      default ->
          throw new IOException("a call on kind " + call.getShort(CALL_KIND) + "; 0 to 2 exist");
    };
  }
}
