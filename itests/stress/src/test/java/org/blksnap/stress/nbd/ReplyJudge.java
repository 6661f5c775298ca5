// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress.nbd;

import java.nio.ByteBuffer;

/**
 * Reads what a client said as the protocol document reads it, and holds the answers against that:
 * each option and each whole request has exactly the one answer it must have, in the right form,
 * and nothing else was said. Knows nothing of how the server does it.
 */
final class ReplyJudge {
  private final int size;
  private final int maximumRequest;

  /** How many requests were whole, and judged. */
  long requests;

  ReplyJudge(int size, int maximumRequest) {
    this.size = size;
    this.maximumRequest = maximumRequest;
  }

  void judge(byte[] input, ByteBuffer heard) {
    ByteBuffer said = ByteBuffer.wrap(input);
    HandshakeJudge agreed = new HandshakeJudge(size, said, heard);
    if (agreed.judge()) {
      requests += new TransmissionJudge(size, maximumRequest, agreed, said, heard).judge();
    }
    HandshakeJudge.must(!heard.hasRemaining(), heard.remaining() + " bytes nobody asked for");
  }
}
