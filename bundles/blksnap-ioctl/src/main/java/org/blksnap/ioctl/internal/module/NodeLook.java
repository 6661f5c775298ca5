// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** What a path in the tree of devices is. Links are followed. Any thread. */
public interface NodeLook {
  /** Kinds that matter here. */
  enum Kind {
    NONE("not there"),
    CHARACTER("a character device"),
    BLOCK("a block device"),
    OTHER("no device");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    String text() {
      return text;
    }
  }

  /** {@link Kind#NONE} also where it cannot be looked at. */
  Kind kind(Path path);

  /** Device numbers as stat(2) has them in {@code st_rdev}. */
  long number(Path path) throws IOException;

  /** The kernel's own answers. */
  static NodeLook system() {
    return new NodeLook() {
      private static final int FORMAT = 0170000;

      @Override
      public Kind kind(Path path) {
        try {
          return switch ((int) Files.getAttribute(path, "unix:mode") & FORMAT) {
            case 0020000 -> Kind.CHARACTER;
            case 0060000 -> Kind.BLOCK;
            default -> Kind.OTHER;
          };
        } catch (IOException absent) {
          return Kind.NONE;
        }
      }

      @Override
      public long number(Path path) throws IOException {
        return (long) Files.getAttribute(path, "unix:rdev");
      }
    };
  }

  /** Refuses what is no block device, before it is opened: opening may have effects. */
  default void mustBeBlockDevice(String call, Path path) throws BlksnapException {
    Kind kind = kind(path);
    if (kind != Kind.BLOCK) {
      throw new BlksnapException(
          kind == Kind.NONE ? Errno.ENOENT : Errno.ENOTBLK,
          call + " on " + path + ": it is " + kind.text() + "; name the node of a block device");
    }
  }

  /** Of {@code st_rdev}. */
  static int major(long number) {
    return (int) ((number >>> 8 & 0xfff) | (number >>> 32 & ~0xfffL));
  }

  /** Of {@code st_rdev}. */
  static int minor(long number) {
    return (int) ((number & 0xff) | (number >>> 12 & ~0xffL));
  }
}
