// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.nio.ByteBuffer;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.PeerGone;
import org.blksnap.nbd.internal.protocol.ReplyWriter;
import org.blksnap.nbd.internal.protocol.Request;
import org.blksnap.nbd.internal.protocol.Transport;
import org.blksnap.nbd.internal.protocol.Wire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads of one connection that carry out requests beside its reader, made when first needed
 * and gone when idle. They belong to one connection, so a client that does not take its replies
 * stalls nobody else.
 *
 * <p>A permit is held for each request in flight; the reader waits for one and reads nothing more
 * meanwhile. {@link #drain} takes all of them. A request that ends in anything but a reply closes
 * the connection: a client never waits for a reply that was lost.
 */
final class Workers {
  /** Most threads of one connection. */
  static final int THREADS = 16;

  private static final long IDLE_SECONDS = 5;

  /** Smallest reply buffer: headers, an error text. */
  private static final int REPLY_BYTES = 4096;

  /** The payload of a request without one. */
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private static final Logger LOG = LoggerFactory.getLogger(Workers.class);
  private static final RateLimit WARNINGS = new RateLimit(60);

  private final Commands commands;
  private final Transport transport;
  private final Mode mode;
  private final BufferPool.Account buffers;
  private final int replyRoom;
  private final int maximumInFlight;
  private final Semaphore permits;
  private final ThreadPoolExecutor pool;
  private final AtomicBoolean failed = new AtomicBoolean();

  Workers(
      String name,
      Commands commands,
      Transport transport,
      Mode mode,
      BufferPool.Account buffers,
      int replyRoom,
      int maximumInFlight) {
    this.commands = commands;
    this.transport = transport;
    this.mode = mode;
    this.buffers = buffers;
    this.replyRoom = replyRoom;
    this.maximumInFlight = maximumInFlight;
    this.permits = new Semaphore(maximumInFlight);
    this.pool =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(maximumInFlight),
            work -> {
              Thread thread = new Thread(work, name + "-worker");
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
  }

  boolean busy() {
    return permits.availablePermits() < maximumInFlight;
  }

  /** The next {@link #submit} would wait. */
  boolean full() {
    return permits.availablePermits() == 0;
  }

  /**
   * Takes the request over; its payload is copied. False, and nothing taken, where this connection
   * gets no more buffers or the process no more threads: then the reader carries it out itself.
   */
  boolean submit(Request request, ByteBuffer payload) throws InterruptedException {
    permits.acquire();
    ByteBuffer data = null;
    ByteBuffer reply = null;
    boolean handed = false;
    try {
      reply = buffers.borrow(replyBytes(request));
      if (reply != null && payload.hasRemaining()) {
        data = buffers.borrow(payload.remaining());
      }
      if (reply == null || (data == null && payload.hasRemaining())) {
        return false;
      }
      if (data != null) {
        data.put(payload.duplicate()).flip();
      }
      ByteBuffer ownData = data;
      ByteBuffer ownReply = reply;
      Request own = request.copy();
      pool.execute(() -> run(own, ownData, ownReply));
      handed = true;
    } catch (OutOfMemoryError e) {
      LOG.debug("no thread for a request", e);
    } finally {
      if (!handed) {
        release(data, reply);
      }
    }
    return handed;
  }

  private int replyBytes(Request request) {
    return switch (request.type()) {
      case Wire.CMD_READ ->
          (int) Math.min(replyRoom, Math.max(request.length(), 0) + ReplyWriter.HEADROOM);
      case Wire.CMD_BLOCK_STATUS ->
          REPLY_BYTES + (Commands.MAXIMUM_DESCRIPTORS + 1) * 2 * Long.BYTES;
      default -> REPLY_BYTES;
    };
  }

  private void run(Request request, ByteBuffer data, ByteBuffer reply) {
    try {
      ReplyWriter out = new ReplyWriter(transport, reply, mode);
      commands.execute(request, data == null ? NOTHING : data, out);
      out.flush();
    } catch (PeerGone e) {
      transport.close();
    } catch (Throwable e) {
      transport.close();
      complain(e);
    } finally {
      release(data, reply);
    }
  }

  /** A reply is lost, so the connection was closed: told once a connection. */
  private void complain(Throwable cause) {
    if (failed.getAndSet(true)) {
      return;
    }
    LOG.debug("client dropped by a worker", cause);
    long before = WARNINGS.pass();
    if (before >= 0) {
      LOG.warn(
          "client dropped, its request failed: {} ({} more kept back)", cause.toString(), before);
    }
  }

  private void release(ByteBuffer data, ByteBuffer reply) {
    if (data != null) {
      buffers.give(data);
    }
    if (reply != null) {
      buffers.give(reply);
    }
    permits.release();
  }

  /** Waits until nothing is in flight; false where that took too long. */
  boolean drain(long millis) {
    try {
      if (permits.tryAcquire(maximumInFlight, millis, TimeUnit.MILLISECONDS)) {
        permits.release(maximumInFlight);
        return true;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return false;
  }

  /** Lets go of the threads; what is in flight ends by itself. */
  void close() {
    pool.shutdown();
  }
}
