// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** The kernel's no to a netlink request, with what it said about it. */
final class KernelRefusal extends BlksnapException {
  private static final long serialVersionUID = 1L;

  private final int number;

  KernelRefusal(String what, int number, String text) {
    super(Errno.of(number), what + " refused by the kernel: " + said(number, text));
    this.number = number;
  }

  private static String said(int number, String text) {
    Errno errno = Errno.of(number);
    String known = errno.code() == number ? errno.text() : "errno " + number;
    return text.isEmpty() ? known : known + ", " + text;
  }

  /** The errno as it came. */
  int number() {
    return number;
  }
}
