// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.IoFlags;
import org.blksnap.nbd.internal.export.MetaContext;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.PeerGone;
import org.blksnap.nbd.internal.protocol.ReplyWriter;
import org.blksnap.nbd.internal.protocol.Request;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireError;

/**
 * Carries out one request of a session and writes its reply. Holds no state of its own: the reader
 * and all workers of a connection share it.
 */
final class Commands {
  /** Most descriptors in one block status chunk. */
  static final int MAXIMUM_DESCRIPTORS = 4096;

  /** Bytes of one chunk of a long read. */
  static final int CHUNK_BYTES = 256 << 10;

  /** Extents asked of a device at once. */
  private static final int EXTENTS = 256;

  private final Session session;
  private final BlockDevice export;
  private final BufferPool.Account buffers;
  private final int maximumRequest;

  Commands(Session session, BlockDevice export, BufferPool.Account buffers, int maximumRequest) {
    this.session = session;
    this.export = export;
    this.buffers = buffers;
    this.maximumRequest = maximumRequest;
  }

  /** Why the request is refused before anything is done, as a wire error; 0 where it is not. */
  int refusal(Request request) {
    int known = knownFlags(request.type());
    if (known < 0 || (request.flags() & ~known) != 0) {
      return WireError.EINVAL;
    }
    return switch (request.type()) {
      case Wire.CMD_READ ->
          outside(request) || request.length() > maximumRequest ? WireError.EINVAL : WireError.NONE;
      case Wire.CMD_WRITE ->
          session.readOnly()
              ? WireError.EPERM
              : request.length() > maximumRequest
                  ? WireError.EINVAL
                  : outside(request) ? WireError.ENOSPC : WireError.NONE;
      case Wire.CMD_WRITE_ZEROES ->
          session.readOnly()
              ? WireError.EPERM
              : outside(request) ? WireError.ENOSPC : WireError.NONE;
      case Wire.CMD_TRIM ->
          session.readOnly()
              ? WireError.EPERM
              : outside(request) ? WireError.EINVAL : WireError.NONE;
      case Wire.CMD_CACHE -> outside(request) ? WireError.EINVAL : WireError.NONE;
      case Wire.CMD_FLUSH ->
          request.offset() != 0 || request.length() != 0 ? WireError.EINVAL : WireError.NONE;
      case Wire.CMD_BLOCK_STATUS ->
          session.contexts().isEmpty() ? WireError.EINVAL : WireError.NONE;
      default -> WireError.EINVAL;
    };
  }

  /** Flags a command may carry; -1 for an unknown command. FUA is harmless everywhere. */
  private int knownFlags(int type) {
    int payload = session.mode() == Mode.EXTENDED ? Wire.CMD_FLAG_PAYLOAD_LEN : 0;
    return switch (type) {
      case Wire.CMD_READ ->
          Wire.CMD_FLAG_FUA | (session.mode() == Mode.SIMPLE ? 0 : Wire.CMD_FLAG_DF);
      case Wire.CMD_WRITE -> Wire.CMD_FLAG_FUA | payload;
      case Wire.CMD_FLUSH, Wire.CMD_TRIM, Wire.CMD_CACHE -> Wire.CMD_FLAG_FUA;
      case Wire.CMD_WRITE_ZEROES ->
          Wire.CMD_FLAG_FUA | Wire.CMD_FLAG_NO_HOLE | Wire.CMD_FLAG_FAST_ZERO;
      case Wire.CMD_BLOCK_STATUS -> Wire.CMD_FLAG_FUA | Wire.CMD_FLAG_REQ_ONE | payload;
      default -> -1;
    };
  }

  private boolean outside(Request request) {
    return outside(request.offset(), request.length());
  }

  private boolean outside(long offset, long length) {
    return offset < 0 || length < 0 || offset > session.size() || length > session.size() - offset;
  }

  /** Does it and answers; failures of the device become error replies. */
  void execute(Request request, ByteBuffer payload, ReplyWriter out) throws PeerGone {
    int refusal = refusal(request);
    if (refusal != WireError.NONE) {
      out.error(request, refusal, refusalText(request, refusal));
      return;
    }
    try {
      switch (request.type()) {
        case Wire.CMD_READ -> read(request, out);
        case Wire.CMD_BLOCK_STATUS -> blockStatus(request, payload, out);
        default -> {
          change(request, payload);
          out.ok(request);
        }
      }
    } catch (PeerGone e) {
      throw e;
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      fail(request, e, out);
    }
  }

  void fail(Request request, Throwable failure, ReplyWriter out) throws PeerGone {
    int error = WireError.of(failure, request.has(Wire.CMD_FLAG_FAST_ZERO));
    out.error(request, error, words(failure));
  }

  private static String words(Throwable failure) {
    return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
  }

  String refusalText(Request request, int refusal) {
    if (refusal == WireError.EPERM) {
      return "export " + session.target().name() + " is read-only";
    }
    return "request type "
        + request.type()
        + " flags "
        + request.flags()
        + " offset "
        + Long.toUnsignedString(request.offset())
        + " length "
        + Long.toUnsignedString(request.length())
        + " refused: the export has "
        + session.size()
        + " bytes, data requests at most "
        + maximumRequest;
  }

  private void change(Request request, ByteBuffer payload) throws IOException {
    IoFlags fua = request.has(Wire.CMD_FLAG_FUA) ? IoFlags.FUA : IoFlags.NONE;
    switch (request.type()) {
      case Wire.CMD_WRITE -> {
        if (request.length() > 0) {
          export.write(payload, request.offset(), fua);
        }
      }
      case Wire.CMD_FLUSH -> export.flush();
      case Wire.CMD_TRIM -> {
        if (request.length() > 0) {
          export.discard(request.offset(), request.length(), fua);
        }
      }
      case Wire.CMD_CACHE -> export.prefetch(request.offset(), request.length());
      default -> {
        IoFlags noHole = request.has(Wire.CMD_FLAG_NO_HOLE) ? IoFlags.NO_HOLE : IoFlags.NONE;
        IoFlags fast = request.has(Wire.CMD_FLAG_FAST_ZERO) ? IoFlags.FAST_ZERO : IoFlags.NONE;
        if (request.length() > 0) {
          export.writeZeroes(request.offset(), request.length(), fua.with(noHole).with(fast));
        }
      }
    }
  }

  /** Writes one piece of a long write; the last one answers. */
  void writePiece(ByteBuffer piece, long offset) throws IOException {
    export.write(piece, offset);
  }

  void flushAfterPieces() throws IOException {
    export.flush();
  }

  private void read(Request request, ReplyWriter out) throws IOException {
    if (request.length() == 0) {
      out.ok(request);
    } else if (request.length() <= out.room()) {
      readPiece(request, request.offset(), (int) request.length(), true, out);
    } else if (session.mode() == Mode.SIMPLE || request.has(Wire.CMD_FLAG_DF)) {
      readWhole(request, out);
    } else {
      long end = request.offset() + request.length();
      int chunk = Math.min(CHUNK_BYTES, out.room());
      for (long at = request.offset(); at < end; at += chunk) {
        int length = (int) Math.min(chunk, end - at);
        try {
          readPiece(request, at, length, at + length == end, out);
        } catch (PeerGone e) {
          throw e;
        } catch (IOException | RuntimeException e) {
          out.errorAt(request, WireError.of(e, false), words(e), at);
          return;
        }
      }
    }
  }

  private void readPiece(Request request, long offset, int length, boolean done, ReplyWriter out)
      throws IOException {
    ByteBuffer data = out.openData(length);
    boolean filled = false;
    try {
      export.read(data, offset);
      filled = true;
    } finally {
      if (!filled) {
        out.dropData(length);
      }
    }
    out.closeData(request, offset, length, done);
  }

  /**
   * A reply that may not be split: all of it is read before its header says success, where there is
   * memory for all of it.
   */
  private void readWhole(Request request, ReplyWriter out) throws IOException {
    ByteBuffer whole = buffers.borrow((int) request.length());
    if (whole == null) {
      out.sendInPieces(request, export::read);
      return;
    }
    try {
      export.read(whole.limit((int) request.length()), request.offset());
      out.sendWhole(request, whole.flip());
    } finally {
      buffers.give(whole);
    }
  }

  private void blockStatus(Request request, ByteBuffer payload, ReplyWriter out)
      throws IOException {
    long length = request.length();
    List<MetaContext> asked = session.contexts();
    if (session.mode() == Mode.EXTENDED && request.has(Wire.CMD_FLAG_PAYLOAD_LEN)) {
      length = payload.remaining() < Long.BYTES ? -1 : payload.getLong();
      asked = selection(payload);
    }
    if (length <= 0 || asked.isEmpty() || outside(request.offset(), length)) {
      out.error(request, WireError.EINVAL, refusalText(request, WireError.EINVAL));
      return;
    }
    int limit = request.has(Wire.CMD_FLAG_REQ_ONE) ? 1 : MAXIMUM_DESCRIPTORS;
    for (int i = 0; i < asked.size(); i++) {
      MetaContext context = asked.get(i);
      out.openStatus(request, context.id(), limit + 1, i == asked.size() - 1);
      boolean told = false;
      try {
        if (context.allocation()) {
          allocation(request.offset(), length, limit, out);
        } else {
          changes(context, request.offset(), length, limit, out);
        }
        told = true;
      } finally {
        if (!told) {
          out.dropStatus();
        }
      }
      out.closeStatus();
    }
  }

  /** Contexts named in a payload; none where one is unknown or the payload is malformed. */
  private List<MetaContext> selection(ByteBuffer payload) {
    List<MetaContext> asked = new ArrayList<>();
    if (payload.remaining() % Integer.BYTES != 0
        || payload.remaining() / Integer.BYTES > session.contexts().size()) {
      return List.of();
    }
    while (payload.hasRemaining()) {
      int id = payload.getInt();
      MetaContext known =
          session.contexts().stream().filter(c -> c.id() == id).findFirst().orElse(null);
      if (known == null || asked.contains(known)) {
        return List.of();
      }
      asked.add(known);
    }
    return asked;
  }

  /** Asked in pieces, so that no client makes the server hold long lists. */
  private void allocation(long offset, long length, int limit, ReplyWriter out) throws IOException {
    long end = offset + length;
    long at = offset;
    long before = -1;
    while (at < end && at != before) {
      before = at;
      for (AllocationExtent extent : export.allocation(at, end - at, EXTENTS)) {
        long until = Math.min(extent.offset() + extent.length(), end);
        if (until <= at) {
          continue;
        }
        int flags = (extent.hole() ? Wire.STATE_HOLE : 0) | (extent.zero() ? Wire.STATE_ZERO : 0);
        if (!out.status(until - at, flags, limit)) {
          return;
        }
        at = until;
      }
    }
    if (at == offset) {
      out.status(length, 0, limit);
    }
  }

  private static void changes(
      MetaContext context, long offset, long length, int limit, ReplyWriter out) {
    long end = offset + length;
    long at = offset;
    while (at < end) {
      long until = Math.min(context.runEnd(at), end);
      if (!out.status(until - at, context.dirty(at) ? Wire.STATE_DIRTY : 0, limit)) {
        return;
      }
      at = until;
    }
  }
}
