// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Encodes the greeting and the replies to options into one buffer, which leaves when it is full or
 * {@link #send} is called. Used by the connection's thread alone.
 */
public final class OptionReplies {
  private final ByteBuffer out;
  private Transport transport;
  private int begun;

  /** {@code out} is clear. */
  public OptionReplies(Transport transport, ByteBuffer out) {
    this.transport = transport;
    this.out = out;
  }

  /** Sends by this pipe from now on. */
  public void over(Transport next) {
    transport = next;
  }

  public void greeting() {
    out.putLong(Wire.NBDMAGIC).putLong(Wire.IHAVEOPT);
    out.putShort((short) (Wire.HANDSHAKE_FIXED_NEWSTYLE | Wire.HANDSHAKE_NO_ZEROES));
  }

  /** The answer to {@link Wire#OPT_EXPORT_NAME}, which has no header. */
  public void exportName(long size, int flags, boolean noZeroes) {
    out.putLong(size).putShort((short) flags);
    if (!noZeroes) {
      out.put(new byte[Wire.EXPORT_NAME_ZEROES]);
    }
  }

  /** A reply of a text, which may be empty. */
  public void reply(int option, int type, String message) throws IOException {
    open(option, type).put(WireText.bytes(message));
    seal();
  }

  /** Size and flags of an export. */
  public void export(int option, long size, int flags) throws IOException {
    open(option, Wire.REP_INFO).putShort((short) Wire.INFO_EXPORT);
    out.putLong(size).putShort((short) flags);
    seal();
  }

  /** Smallest, preferred and largest request, in bytes. */
  public void blockSizes(int option, int smallest, int preferred, int largest) throws IOException {
    open(option, Wire.REP_INFO).putShort((short) Wire.INFO_BLOCK_SIZE);
    out.putInt(smallest).putInt(preferred).putInt(largest);
    seal();
  }

  /** Information of this type that is a text. */
  public void info(int option, int type, String text) throws IOException {
    open(option, Wire.REP_INFO).putShort((short) type).put(WireText.bytes(text));
    seal();
  }

  /** One export of a list. */
  public void server(String name, String description) throws IOException {
    byte[] bytes = WireText.bytes(name);
    open(Wire.OPT_LIST, Wire.REP_SERVER).putInt(bytes.length).put(bytes);
    out.put(WireText.bytes(description));
    seal();
  }

  /** One metadata context; the number is 0 where none is selected. */
  public void context(int option, int id, String name) throws IOException {
    open(option, Wire.REP_META_CONTEXT).putInt(id).put(WireText.bytes(name));
    seal();
  }

  /** Begins an option reply; {@link #seal} ends it. */
  private ByteBuffer open(int option, int type) throws IOException {
    if (out.remaining() < 2 * Wire.MAXIMUM_STRING + 64) {
      send();
    }
    out.putLong(Wire.OPTION_REPLY_MAGIC).putInt(option).putInt(type).putInt(0);
    begun = out.position();
    return out;
  }

  private void seal() {
    out.putInt(begun - Integer.BYTES, out.position() - begun);
  }

  /** Sends what is there; nothing where nothing is. */
  public void send() throws PeerGone {
    if (out.position() == 0) {
      return;
    }
    try {
      transport.write(out.flip());
    } catch (IOException e) {
      throw new PeerGone(e);
    } finally {
      out.clear();
    }
  }
}
