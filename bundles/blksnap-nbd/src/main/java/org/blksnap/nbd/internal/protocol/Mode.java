// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

/** Which headers the two sides agreed on. Each mode includes what the one before it can. */
public enum Mode {
  SIMPLE(Wire.REQUEST_BYTES),
  STRUCTURED(Wire.REQUEST_BYTES),
  EXTENDED(Wire.EXTENDED_REQUEST_BYTES);

  private final int requestBytes;

  Mode(int requestBytes) {
    this.requestBytes = requestBytes;
  }

  /** Bytes of a request's header. */
  public int requestBytes() {
    return requestBytes;
  }
}
