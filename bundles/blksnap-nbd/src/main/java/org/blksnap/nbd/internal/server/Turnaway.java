// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.nbd.internal.protocol.ReplyWriter;
import org.blksnap.nbd.internal.protocol.Transport;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireText;
import org.blksnap.nbd.internal.session.SocketTransport;

/**
 * Tells a client why it is not served: the greeting, and a refusal of its first option, which
 * clients show to their users. Costs a thread and a few KiB for {@link #SECONDS} at most; of more
 * than {@link #MOST} at once the others are hung up on without a word.
 */
final class Turnaway implements Runnable {
  static final int MOST = 16;
  static final int SECONDS = 3;

  private final SocketChannel client;
  private final String why;
  private final AtomicInteger present;
  private final long endsAt = System.nanoTime() + SECONDS * 1_000_000_000L;

  private Turnaway(SocketChannel client, String why, AtomicInteger present) {
    this.client = client;
    this.why = why;
    this.present = present;
  }

  /**
   * True where it takes the client over; else there are too many, and the client is the caller's to
   * close, as where it fails. {@code present} counts those under way.
   */
  static boolean begin(SocketChannel client, String why, AtomicInteger present) {
    boolean begun = false;
    try {
      if (present.incrementAndGet() <= MOST) {
        Thread thread = new Thread(new Turnaway(client, why, present), "nbd-turnaway");
        thread.setDaemon(true);
        thread.start();
        begun = true;
      }
    } finally {
      if (!begun) {
        present.decrementAndGet();
      }
    }
    return begun;
  }

  @Override
  public void run() {
    try (SocketChannel own = client;
        Transport pipe = new SocketTransport(own)) {
      pipe.patience(SECONDS * 1000L);
      ByteBuffer out = ByteBuffer.allocate(1024);
      out.putLong(Wire.NBDMAGIC).putLong(Wire.IHAVEOPT);
      out.putShort((short) (Wire.HANDSHAKE_FIXED_NEWSTYLE | Wire.HANDSHAKE_NO_ZEROES));
      pipe.write(out.flip());
      ByteBuffer in = ByteBuffer.allocate(Integer.BYTES + Wire.OPTION_BYTES);
      receive(pipe, in);
      int option = in.getInt(Integer.BYTES + Long.BYTES);
      int length = in.getInt(Integer.BYTES + Long.BYTES + Integer.BYTES);
      if (length < 0 || length > Wire.MAXIMUM_OPTION) {
        return;
      }
      for (int left = length; left > 0; left -= in.capacity()) {
        receive(pipe, in.clear().limit(Math.min(left, in.capacity())));
      }
      byte[] text = why.getBytes(StandardCharsets.UTF_8);
      int bytes = WireText.cut(text, ReplyWriter.MESSAGE_BYTES);
      out.clear().putLong(Wire.OPTION_REPLY_MAGIC).putInt(option).putInt(Wire.REP_ERR_POLICY);
      pipe.write(out.putInt(bytes).put(text, 0, bytes).flip());
      receive(pipe, in.clear());
    } catch (IOException e) {
      // It left, or was too slow.
    } finally {
      present.decrementAndGet();
    }
  }

  private void receive(Transport pipe, ByteBuffer to) throws IOException {
    while (to.hasRemaining()) {
      int got = pipe.read(to);
      long millis = (endsAt - System.nanoTime()) / 1_000_000;
      if (got < 0 || millis <= 0) {
        throw new EOFException();
      }
      if (got == 0) {
        pipe.awaitInput(millis);
      }
    }
  }
}
