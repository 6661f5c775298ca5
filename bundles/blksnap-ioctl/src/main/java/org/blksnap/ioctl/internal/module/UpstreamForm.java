// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Upstream;
import org.blksnap.spi.module.Dialect;

/**
 * Tells upstream v6 from v7, whose nodes, parameters and words are the same: a creation that cannot
 * succeed. Its storage is all ones: to v6 a descriptor that cannot be open (EINVAL, EBADF), to v7 a
 * name at an address that no process has (EFAULT). Neither makes anything of it.
 */
final class UpstreamForm {
  private UpstreamForm() {}

  static Dialect ask(ModuleCalls calls, Node control) throws BlksnapException {
    Memory impossible = Memory.of(calls, Upstream.CREATE);
    Upstream.CREATE_FILENAME.put(impossible.bytes(), -1L);
    int answer =
        control.answer("snapshot_create", Upstream.CREATE_CALL, impossible, Node.Broken.AGAIN);
    if (answer == -Errno.EFAULT.code()) {
      return Dialect.UPSTREAM_7;
    }
    if (answer == -Errno.EINVAL.code() || answer == -Errno.EBADF.code()) {
      return Dialect.UPSTREAM_6;
    }
    if (answer == -Errno.EPERM.code() || answer == -Errno.EACCES.code()) {
      throw Refusal.of("snapshot_create", control.path(), answer);
    }
    throw new BlksnapException(
        Errno.ENOSYS,
        "the module at "
            + control.path()
            + " fits no dialect: a creation with a storage that cannot be answered "
            + (answer < 0 ? "errno " + -answer : "success")
            + "; EINVAL (v6) or EFAULT (v7) were known");
  }
}
