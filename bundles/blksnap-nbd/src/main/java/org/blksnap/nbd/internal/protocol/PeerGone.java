// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import java.io.IOException;

/** The client's socket failed; told apart from failures of the device. */
public final class PeerGone extends IOException {
  private static final long serialVersionUID = 1L;

  public PeerGone(IOException cause) {
    super(cause.getMessage(), cause);
  }
}
