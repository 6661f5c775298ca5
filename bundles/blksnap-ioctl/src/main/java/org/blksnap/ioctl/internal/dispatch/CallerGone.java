// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;

/** The program that called has ended, or stalls: nobody is left to answer to. */
public final class CallerGone extends IOException {
  private static final long serialVersionUID = 1L;

  public CallerGone(String why) {
    super(why);
  }

  public CallerGone(IOException cause) {
    super(cause.toString(), cause);
  }
}
