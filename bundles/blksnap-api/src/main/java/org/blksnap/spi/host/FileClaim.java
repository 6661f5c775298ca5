// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.host;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The locks by which others see that a file or block device is in use here, and by which theirs are
 * seen. They are advisory: who does not ask is not hindered.
 *
 * <pre>
 * byte             lock        means
 * 100 + p          shared      somebody uses permission p      (QEMU's image locks)
 * 200 + p          shared      somebody does not share p       (p: 0 read, 1 write, 3 resize)
 * 2^63 - 3         exclusive   difference storage of an engine
 * 2^63 - 2         exclusive   attached by an engine for writing; shared: for reading
 * the whole file   flock       exclusive for writing, shared for reading and of a block device
 * </pre>
 *
 * <p>Who writes shares neither write nor resize; who reads does not want anybody to write either.
 * All is taken first and then looked at, so that of two at one moment at least one is refused. Held
 * until the file is closed.
 */
public final class FileClaim {
  /** What the file is used as. */
  public enum Use {
    DEVICE,
    STORAGE
  }

  /** What was found in the way. */
  public enum Conflict {
    /** Nothing: all locks are held. */
    NONE,
    /** An engine has it attached. */
    ENGINE,
    /** Somebody else's lock, or an engine's whose storage it is. */
    OTHER,
    /** The file system has no locks: nothing is known of others, and others see nothing. */
    UNSUPPORTED
  }

  private static final long USED = 100;
  private static final long UNSHARED = 200;
  private static final long QEMU_END = 300;
  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int RESIZE = 3;
  private static final long STORAGE_MARK = Long.MAX_VALUE - 2;

  /** The byte that says that an engine has it attached. */
  public static final long DEVICE_MARK = Long.MAX_VALUE - 1;

  private FileClaim() {}

  /**
   * Takes the locks as far as they can be had. Any thread. The file must be open for writing where
   * {@code writable}. {@code block}: a block device, whose flock stays shared, since the host's
   * device manager waits for an exclusive one.
   */
  public static Conflict take(HostFile file, Use use, boolean writable, boolean block)
      throws BlksnapException {
    try {
      long mark = use == Use.DEVICE ? DEVICE_MARK : STORAGE_MARK;
      if (!file.lock(mark, 1, writable)) {
        boolean markAlone = file.lockable(QEMU_END, STORAGE_MARK - QEMU_END, false);
        return markAlone && use == Use.DEVICE ? Conflict.ENGINE : Conflict.OTHER;
      }
      boolean free = lockQemu(file, writable);
      free &= file.lockWhole(writable && !block);
      if (use == Use.STORAGE && !file.lockable(DEVICE_MARK, 1, true)) {
        return Conflict.ENGINE;
      }
      return free && noneInTheWay(file, writable) ? Conflict.NONE : Conflict.OTHER;
    } catch (BlksnapException failure) {
      return switch (failure.errno()) {
        case EOPNOTSUPP, ENOSYS, EINVAL -> Conflict.UNSUPPORTED;
        default -> throw failure;
      };
    }
  }

  private static boolean lockQemu(HostFile file, boolean writable) throws BlksnapException {
    return file.lock(USED + READ, writable ? 2 : 1, false)
        & file.lock(UNSHARED + WRITE, 1, false)
        & file.lock(UNSHARED + RESIZE, 1, false);
  }

  private static boolean noneInTheWay(HostFile file, boolean writable) throws BlksnapException {
    return file.lockable(0, USED, writable)
        && file.lockable(QEMU_END, DEVICE_MARK - 1 - QEMU_END, writable)
        && file.lockable(STORAGE_MARK, 1, writable)
        && file.lockable(USED, QEMU_END - USED, false)
        && file.lockable(USED + WRITE, 1, true)
        && file.lockable(USED + RESIZE, 1, true)
        && file.lockable(UNSHARED + READ, writable ? 2 : 1, true);
  }

  /** EBUSY, with who holds it as far as that can be seen. */
  public static BlksnapException busy(String what, FileUsers users, String remedy) {
    return new BlksnapException(
        Errno.EBUSY, what + " refused: it is in use by " + users.text() + "; " + remedy);
  }
}
