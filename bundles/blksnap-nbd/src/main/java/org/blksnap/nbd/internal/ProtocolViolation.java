// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import java.io.IOException;

/** The peer sent what no correct client sends; its connection is closed. */
final class ProtocolViolation extends IOException {
  private static final long serialVersionUID = 1L;

  ProtocolViolation(String message) {
    super(message);
  }
}
