// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.PeerGone;
import org.blksnap.nbd.internal.protocol.ProtocolViolation;
import org.blksnap.nbd.internal.protocol.ReplyWriter;
import org.blksnap.nbd.internal.protocol.Request;
import org.blksnap.nbd.internal.protocol.Transport;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireError;

/**
 * The transmission phase of one connection, run by its reader thread.
 *
 * <p>The reader takes big gulps from the socket into {@code in}, carries out all whole requests in
 * it, and gathers their replies in one buffer. It looks for more input before it sends: replies
 * leave when the input is dry, the buffer full or {@link #BATCH} replies wait. A small request
 * costs no allocation, no lock and a share of a system call.
 *
 * <p>A request goes to {@link Workers} instead where others wait behind it and it may take long by
 * its kind, or where the device is slow, which {@link Pace} judges by what the reader tells it.
 *
 * <p>A write too long for {@code in} is written in pieces as it arrives, so no client can make the
 * server hold more of its data than {@code in}. What was left out: holes in read replies.
 */
public final class Transmission {
  /** Bytes of one piece of a long write. */
  public static final int PIECE_BYTES = 256 << 10;

  /** Replies gathered at most before they are sent. */
  static final int BATCH = 32;

  /** Longest wait for the workers before a trial; it is left out then. */
  static final long REST_MILLIS = 100;

  /** Time to end what is in flight when the client leaves. */
  static final long DRAIN_MILLIS = 5_000;

  private static final long IDLE_MILLIS = 60_000;

  /** How the phase ended. */
  enum Ending {
    CLIENT_LEFT,
    PARKED
  }

  /** Tells when the reader has to come to rest. */
  interface StopSignal {
    boolean requested();
  }

  private final Transport transport;
  private final Mode mode;
  private final Commands commands;
  private final Workers workers;
  private final ReplyWriter out;
  private final ByteBuffer in;
  private final int maximumRequest;
  private final long stallNanos;
  private final StopSignal stop;
  private final Request request = new Request();
  private final Pace pace = new Pace();

  private int needed;
  private int gathered;
  private boolean disconnected;

  /** When the client was last heard of, in the midst of a request. */
  private long heardAt;

  /** The long payload that is arriving, if one is; {@code request} describes it meanwhile. */
  private LongWrite longWrite;

  /**
   * {@code in} is ready to be read from: what lies in it came first. {@code underWay} is the long
   * write that a predecessor was parked in, null for none.
   */
  Transmission(
      Transport transport,
      Session session,
      Commands commands,
      Workers workers,
      ReplyWriter out,
      ByteBuffer in,
      Limits limits,
      LongWrite underWay,
      StopSignal stop) {
    this.transport = transport;
    this.mode = session.mode();
    this.commands = commands;
    this.workers = workers;
    this.out = out;
    this.in = in;
    this.maximumRequest = limits.maximumRequest();
    this.stallNanos = limits.stallSeconds() * 1_000_000_000L;
    this.longWrite = underWay;
    this.stop = stop;
    if (underWay != null) {
      underWay.describe(request);
    }
  }

  /** The long write in which it was parked; null for none. */
  LongWrite underWay() {
    return longWrite;
  }

  Ending run() throws IOException {
    heardAt = System.nanoTime();
    while (true) {
      executeAvailable();
      if (disconnected) {
        return leave();
      }
      if (stop.requested()) {
        return park();
      }
      int got = fill();
      if (got < 0) {
        return leave();
      }
      if (got == 0) {
        flush();
        transport.awaitInput(patienceMillis());
      } else {
        heardAt = System.nanoTime();
      }
    }
  }

  /**
   * How long to wait for input. Between two requests a client may be silent for ever; in the midst
   * of one it is given up after the stall time.
   */
  private long patienceMillis() throws ProtocolViolation {
    if (!in.hasRemaining() && longWrite == null) {
      return IDLE_MILLIS;
    }
    long left = stallNanos - (System.nanoTime() - heardAt);
    if (left <= 0) {
      throw new ProtocolViolation(
          "silent in the midst of a request for " + stallNanos / 1_000_000_000 + " s");
    }
    return Math.min(left / 1_000_000 + 1, IDLE_MILLIS);
  }

  private Ending leave() throws IOException {
    flush();
    if (!workers.drain(DRAIN_MILLIS)) {
      throw new ProtocolViolation("requests still in flight after " + DRAIN_MILLIS + " ms");
    }
    return Ending.CLIENT_LEFT;
  }

  /** Waits for what is in flight, however long that takes: it is answered or the client is gone. */
  private Ending park() throws IOException {
    flush();
    while (!workers.drain(DRAIN_MILLIS)) {
      if (Thread.currentThread().isInterrupted()) {
        throw new ProtocolViolation("interrupted");
      }
    }
    return Ending.PARKED;
  }

  private void flush() throws PeerGone {
    gathered = 0;
    out.flush();
  }

  private int fill() throws IOException {
    if (!in.hasRemaining()) {
      in.position(0).limit(0);
    } else if (in.capacity() - in.position() < needed) {
      in.compact().flip();
    }
    int begin = in.position();
    in.position(in.limit()).limit(in.capacity());
    try {
      return transport.read(in);
    } finally {
      in.limit(in.position()).position(begin);
    }
  }

  private void executeAvailable() throws IOException {
    if (in.remaining() < mode.requestBytes() && longWrite == null) {
      needed = mode.requestBytes();
      return;
    }
    boolean trial = longWrite == null && pace.trialIsDue() && rested();
    if (trial) {
      pace.tryAgain();
    }
    long sent = out.nanosSending();
    long begin = System.nanoTime();
    int count = 0;
    long explained = 0;
    while (!disconnected && !stop.requested() && step()) {
      count++;
      explained += Pace.sizeNanos(request);
      if (++gathered >= BATCH) {
        flush();
      }
      if (trial && count == Pace.TRIAL_REQUESTS) {
        break;
      }
    }
    if (count > 0) {
      heardAt = System.nanoTime();
    }
    if (pace.slow()) {
      return;
    }
    if (count == 0) {
      if (trial) {
        pace.leaveOut();
      }
      return;
    }
    long spent = System.nanoTime() - begin - (out.nanosSending() - sent) - explained;
    if (!trial) {
      pace.observe(spent / count);
      return;
    }
    pace.judge(spent / count);
    executeAvailable();
  }

  /** A trial's times are worth something only with nothing in flight. */
  private boolean rested() throws PeerGone {
    flush();
    return workers.drain(REST_MILLIS);
  }

  /** Takes one request from the input; false where it is not all there yet. */
  private boolean step() throws IOException {
    if (longWrite != null) {
      return stream();
    }
    int header = mode.requestBytes();
    if (in.remaining() < header) {
      needed = header;
      return false;
    }
    int at = in.position();
    int magic = in.getInt(at);
    if (magic != (mode == Mode.EXTENDED ? Wire.EXTENDED_REQUEST_MAGIC : Wire.REQUEST_MAGIC)) {
      throw new ProtocolViolation("request magic 0x" + Integer.toHexString(magic));
    }
    request.parse(in, at, mode);
    if (request.type() == Wire.CMD_DISC) {
      disconnected = true;
      return true;
    }
    long payload = request.payload(mode);
    if (payload < 0 || payload > 2L * maximumRequest) {
      throw new ProtocolViolation(
          "payload of " + Long.toUnsignedString(payload) + " bytes, allowed " + maximumRequest);
    }
    if (header + payload > in.capacity()) {
      in.position(at + header);
      longWrite = LongWrite.begin(request, payload, commands);
      return stream();
    }
    int whole = header + (int) payload;
    if (in.remaining() < whole) {
      needed = whole;
      return false;
    }
    int limit = in.limit();
    in.position(at + header).limit(at + whole);
    carryOut(limit - at - whole);
    in.limit(limit).position(at + whole);
    return true;
  }

  /** The request's payload lies between position and limit; {@code behind} bytes follow it. */
  private void carryOut(int behind) throws IOException {
    boolean othersWait = behind >= mode.requestBytes() || workers.busy();
    boolean mayTakeLong = mayTakeLong();
    if (othersWait && (pace.slow() || mayTakeLong) && defer()) {
      return;
    }
    if (mayTakeLong && out.pending()) {
      flush();
    }
    commands.execute(request, in, out);
  }

  private boolean mayTakeLong() {
    return switch (request.type()) {
      case Wire.CMD_READ -> false;
      case Wire.CMD_WRITE -> request.has(Wire.CMD_FLAG_FUA);
      default -> true;
    };
  }

  /** Gives the request to a worker; false where it is the reader's to carry out. */
  private boolean defer() throws IOException {
    if (commands.refusal(request) != WireError.NONE) {
      return false;
    }
    if (workers.full() && out.pending()) {
      flush();
    }
    try {
      return workers.submit(request, in);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ProtocolViolation("interrupted");
    }
  }

  /** Moves one piece of a long payload on; answers at its end. */
  private boolean stream() throws IOException {
    int piece = (int) Math.min(longWrite.left(), Math.min(PIECE_BYTES, in.capacity()));
    if (in.remaining() < piece) {
      needed = piece;
      return false;
    }
    int limit = in.limit();
    int end = in.position() + piece;
    longWrite.write(in.limit(end), request, commands);
    in.limit(limit).position(end);
    if (longWrite.left() == 0) {
      longWrite.answer(request, out);
      longWrite = null;
    }
    return true;
  }
}
