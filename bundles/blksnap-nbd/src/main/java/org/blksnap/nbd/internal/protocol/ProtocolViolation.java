// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import java.io.IOException;

/** The peer sent what no correct client sends; its connection is closed. */
public final class ProtocolViolation extends IOException {
  private static final long serialVersionUID = 1L;

  public ProtocolViolation(String message) {
    super(message);
  }
}
