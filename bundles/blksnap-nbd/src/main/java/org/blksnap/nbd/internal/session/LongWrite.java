// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.blksnap.nbd.internal.protocol.PeerGone;
import org.blksnap.nbd.internal.protocol.ReplyWriter;
import org.blksnap.nbd.internal.protocol.Request;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireError;

/**
 * A request whose payload is too long for the input buffer: written in pieces as it arrives,
 * answered once after the last. Used by one thread. Between two pieces it can be parked ({@link
 * #state}) and gone on with by a successor.
 *
 * <p>The first error is kept; what follows is swallowed then, so that the next request is found.
 */
final class LongWrite {
  private final Request first;
  private long left;
  private long at;
  private int error;
  private String text;

  private LongWrite(Request first, long left, long at, int error, String text) {
    this.first = first;
    this.left = left;
    this.at = at;
    this.error = error;
    this.text = text;
  }

  /** Of a request just parsed; one that is refused is swallowed. */
  static LongWrite begin(Request request, long payload, Commands commands) {
    int error = commands.refusal(request);
    if (error == WireError.NONE && request.type() != Wire.CMD_WRITE) {
      error = WireError.EINVAL;
    }
    String text = error == WireError.NONE ? null : commands.refusalText(request, error);
    return new LongWrite(request.copy(), payload, request.offset(), error, text);
  }

  /** What a predecessor was parked in. */
  static LongWrite of(Map<?, ?> state) {
    Request first = new Request();
    first.set(
        (Integer) state.get("flags"),
        (Integer) state.get("type"),
        (Long) state.get("cookie"),
        (Long) state.get("offset"),
        (Long) state.get("length"));
    return new LongWrite(
        first,
        (Long) state.get("left"),
        (Long) state.get("at"),
        (Integer) state.get("error"),
        (String) state.get("text"));
  }

  /** All of it, as JDK types. */
  Map<String, Object> state() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("flags", first.flags());
    state.put("type", first.type());
    state.put("cookie", first.cookie());
    state.put("offset", first.offset());
    state.put("length", first.length());
    state.put("left", left);
    state.put("at", at);
    state.put("error", error);
    state.put("text", text == null ? "" : text);
    return state;
  }

  /** Makes the request the one that this payload belongs to. */
  void describe(Request request) {
    request.set(first.flags(), first.type(), first.cookie(), first.offset(), first.length());
  }

  /** Bytes still to come. */
  long left() {
    return left;
  }

  /** Takes the next piece, all that remains in it. */
  void write(ByteBuffer piece, Request request, Commands commands) {
    long offset = at;
    left -= piece.remaining();
    at += piece.remaining();
    if (error != WireError.NONE) {
      return;
    }
    try {
      commands.writePiece(piece, offset);
      if (left == 0 && request.has(Wire.CMD_FLAG_FUA)) {
        commands.flushAfterPieces();
      }
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      error = WireError.of(e, false);
      text = e.getMessage();
    }
  }

  void answer(Request request, ReplyWriter out) throws PeerGone {
    if (error == WireError.NONE) {
      out.ok(request);
    } else {
      out.error(request, error, text);
    }
  }
}
