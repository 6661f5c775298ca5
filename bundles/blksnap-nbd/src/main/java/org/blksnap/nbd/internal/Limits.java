// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

/**
 * The bounds every connection lives under.
 *
 * @param maximumConnections clients at once, over all listeners
 * @param maximumRequest bytes of data in one request
 * @param maximumInFlight requests of one connection being worked on at once
 * @param handshakeSeconds time a client has from connecting to the transmission phase
 * @param imagesReadOnly writes to images are refused
 */
record Limits(
    int maximumConnections,
    int maximumRequest,
    int maximumInFlight,
    int handshakeSeconds,
    boolean imagesReadOnly) {
  static final Limits DEFAULTS = new Limits(64, 32 << 20, 64, 10, false);
}
