// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The negotiation of one connection: fixed newstyle, one option after the other, until the client
 * enters the transmission phase or leaves. Used by the connection's thread alone.
 *
 * <p>Bounds: the time is the transport's ({@link Wait#input} throws when it is over), an option's
 * data is at most {@link Wire#MAXIMUM_OPTION}, options are at most {@link #MAXIMUM_OPTIONS}.
 */
final class Handshake {
  static final int MAXIMUM_OPTIONS = 1024;

  /** Smallest piece we advise clients to use; any is accepted. */
  static final int PREFERRED_BLOCK = 4096;

  /** Waits for input within the handshake's time. */
  interface Wait {
    void input(Transport transport) throws IOException;
  }

  /** Turns the plain pipe into a secure one. */
  interface Upgrade {
    Transport secure(Transport plain) throws IOException;
  }

  private final Exports exports;
  private final Access access;
  private final Limits limits;
  private final Upgrade upgrade;
  private final Wait wait;
  private final ContextBudget.Share share;
  private final ByteBuffer in;
  private final ByteBuffer out;

  private Transport transport;
  private boolean secure;

  /** Bytes received behind the present option. */
  private int bytesBehind;

  private boolean noZeroes;
  private boolean fixed;
  private Mode mode = Mode.SIMPLE;
  private String contextsOf = "";
  private List<MetaContext> contexts = List.of();

  /**
   * {@code in} is empty and ready to be read from; {@code out} is clear. {@code upgrade} is null on
   * a plain listener; elsewhere TLS is forced.
   */
  Handshake(
      Transport transport,
      Exports exports,
      Access access,
      Limits limits,
      Upgrade upgrade,
      Wait wait,
      ContextBudget.Share share,
      ByteBuffer in,
      ByteBuffer out) {
    this.transport = transport;
    this.exports = exports;
    this.access = access;
    this.limits = limits;
    this.upgrade = upgrade;
    this.wait = wait;
    this.share = share;
    this.in = in;
    this.out = out;
  }

  /** The pipe in use, secure after STARTTLS. */
  Transport transport() {
    return transport;
  }

  /** Empty where the client left in good order. */
  Optional<Session> negotiate() throws IOException {
    out.putLong(Wire.NBDMAGIC).putLong(Wire.IHAVEOPT);
    out.putShort((short) (Wire.HANDSHAKE_FIXED_NEWSTYLE | Wire.HANDSHAKE_NO_ZEROES));
    send();
    need(Integer.BYTES);
    int flags = in.getInt();
    if ((flags & ~(Wire.HANDSHAKE_FIXED_NEWSTYLE | Wire.HANDSHAKE_NO_ZEROES)) != 0) {
      throw new ProtocolViolation("unknown client flags 0x" + Integer.toHexString(flags));
    }
    fixed = (flags & Wire.HANDSHAKE_FIXED_NEWSTYLE) != 0;
    noZeroes = (flags & Wire.HANDSHAKE_NO_ZEROES) != 0;
    for (int i = 0; i < MAXIMUM_OPTIONS; i++) {
      need(Wire.OPTION_BYTES);
      long magic = in.getLong();
      int option = in.getInt();
      int length = in.getInt();
      if (magic != Wire.IHAVEOPT) {
        throw new ProtocolViolation("option magic 0x" + Long.toHexString(magic));
      }
      if (length < 0 || length > Wire.MAXIMUM_OPTION) {
        throw new ProtocolViolation(
            "option " + option + " of " + Integer.toUnsignedString(length) + " bytes");
      }
      need(length);
      int next = in.position() + length;
      int limit = in.limit();
      bytesBehind = limit - next;
      Optional<Session> session = option(option, in.limit(next));
      in.limit(limit).position(next);
      if (option == Wire.OPT_ABORT) {
        send();
        return Optional.empty();
      }
      send();
      if (session.isPresent()) {
        return session;
      }
    }
    throw new ProtocolViolation("more than " + MAXIMUM_OPTIONS + " options");
  }

  /** Carries out one option; {@code data} is exactly its data. */
  private Optional<Session> option(int option, ByteBuffer data) throws IOException {
    if (!fixed && option != Wire.OPT_EXPORT_NAME) {
      throw new ProtocolViolation("option " + option + " without fixed newstyle");
    }
    boolean free = option == Wire.OPT_STARTTLS || option == Wire.OPT_ABORT;
    if (upgrade != null && !secure && !free) {
      if (option == Wire.OPT_EXPORT_NAME) {
        throw new ProtocolViolation("export name before TLS");
      }
      reply(option, Wire.REP_ERR_TLS_REQD, "this listener wants TLS: begin with STARTTLS");
      return Optional.empty();
    }
    switch (option) {
      case Wire.OPT_EXPORT_NAME -> {
        return Optional.of(exportName(data));
      }
      case Wire.OPT_INFO, Wire.OPT_GO -> {
        return infoOrGo(option, data);
      }
      case Wire.OPT_ABORT -> reply(option, Wire.REP_ACK, "");
      case Wire.OPT_LIST -> list(data);
      case Wire.OPT_STARTTLS -> startTls(data);
      case Wire.OPT_STRUCTURED_REPLY -> raise(option, Mode.STRUCTURED, data);
      case Wire.OPT_EXTENDED_HEADERS -> raise(option, Mode.EXTENDED, data);
      case Wire.OPT_LIST_META_CONTEXT, Wire.OPT_SET_META_CONTEXT -> metaContexts(option, data);
      default -> reply(option, Wire.REP_ERR_UNSUP, "option " + option + " is not known here");
    }
    return Optional.empty();
  }

  private Session exportName(ByteBuffer data) throws IOException {
    String name = WireText.read(data, data.remaining());
    Target target = name == null ? null : find(name);
    if (target == null) {
      throw new ProtocolViolation("no export " + name);
    }
    Session session = session(target, name);
    out.putLong(session.size()).putShort((short) flags(session));
    if (!noZeroes) {
      out.put(new byte[Wire.EXPORT_NAME_ZEROES]);
    }
    return session;
  }

  private Optional<Session> infoOrGo(int option, ByteBuffer data) throws IOException {
    String name = data.remaining() < 6 ? null : WireText.read(data, data.getInt());
    if (name == null
        || data.remaining() < Short.BYTES
        || data.remaining() != Short.BYTES * (1 + (data.getShort(data.position()) & 0xffff))) {
      reply(option, Wire.REP_ERR_INVALID, "malformed request for an export");
      return Optional.empty();
    }
    Target target = find(name);
    if (target == null) {
      reply(option, Wire.REP_ERR_UNKNOWN, "no device and no image is named \"" + name + "\"");
      return Optional.empty();
    }
    Session session = session(target, name);
    int export = open(option, Wire.REP_INFO);
    out.putShort((short) Wire.INFO_EXPORT);
    out.putLong(session.size()).putShort((short) flags(session));
    seal(export);
    int sizes = open(option, Wire.REP_INFO);
    out.putShort((short) Wire.INFO_BLOCK_SIZE);
    out.putInt(1).putInt(PREFERRED_BLOCK).putInt(limits.maximumRequest());
    seal(sizes);
    boolean named = false;
    boolean described = false;
    data.getShort();
    while (data.hasRemaining()) {
      int wanted = data.getShort() & 0xffff;
      if (wanted == Wire.INFO_NAME && !named) {
        named = true;
        info(option, wanted, target.name());
      } else if (wanted == Wire.INFO_DESCRIPTION && !described) {
        described = true;
        info(option, wanted, target.description());
      }
    }
    reply(option, Wire.REP_ACK, "");
    return option == Wire.OPT_GO ? Optional.of(session) : Optional.empty();
  }

  private void info(int option, int type, String text) throws IOException {
    int at = open(option, Wire.REP_INFO);
    out.putShort((short) type).put(WireText.bytes(text));
    seal(at);
  }

  private void list(ByteBuffer data) throws IOException {
    if (data.hasRemaining()) {
      reply(Wire.OPT_LIST, Wire.REP_ERR_INVALID, "LIST carries no data");
      return;
    }
    for (Target target : exports.all()) {
      if (!access.admits(target)) {
        continue;
      }
      byte[] name = WireText.bytes(target.name());
      int at = open(Wire.OPT_LIST, Wire.REP_SERVER);
      out.putInt(name.length).put(name).put(WireText.bytes(target.description()));
      seal(at);
    }
    reply(Wire.OPT_LIST, Wire.REP_ACK, "");
  }

  private void startTls(ByteBuffer data) throws IOException {
    int option = Wire.OPT_STARTTLS;
    if (secure || data.hasRemaining()) {
      reply(option, Wire.REP_ERR_INVALID, secure ? "TLS is on already" : "carries no data");
    } else if (upgrade == null) {
      reply(option, Wire.REP_ERR_POLICY, "this listener does not offer TLS");
    } else {
      if (bytesBehind > 0) {
        throw new ProtocolViolation("plain bytes behind STARTTLS");
      }
      reply(option, Wire.REP_ACK, "");
      send();
      transport = upgrade.secure(transport);
      secure = true;
      mode = Mode.SIMPLE;
      forgetContexts();
    }
  }

  private void raise(int option, Mode wanted, ByteBuffer data) throws IOException {
    if (data.hasRemaining()) {
      reply(option, Wire.REP_ERR_INVALID, "carries no data");
    } else if (mode == Mode.EXTENDED && wanted == Mode.STRUCTURED) {
      reply(option, Wire.REP_ERR_EXT_HEADER_REQD, "extended headers are on already");
    } else if (mode == wanted) {
      reply(option, Wire.REP_ERR_INVALID, "negotiated already");
    } else {
      mode = wanted;
      reply(option, Wire.REP_ACK, "");
    }
  }

  private void metaContexts(int option, ByteBuffer data) throws IOException {
    boolean select = option == Wire.OPT_SET_META_CONTEXT;
    if (select) {
      forgetContexts();
    }
    ContextQuery query = mode == Mode.SIMPLE ? null : ContextQuery.parse(data);
    if (query == null) {
      String why = mode == Mode.SIMPLE ? "structured replies come first" : "malformed query";
      reply(option, Wire.REP_ERR_INVALID, why);
      return;
    }
    Target target = find(query.export());
    if (target == null) {
      reply(
          option,
          Wire.REP_ERR_UNKNOWN,
          "no device and no image is named \"" + query.export() + "\"");
      return;
    }
    try {
      MetaContexts offered = MetaContexts.of(target);
      List<MetaContext> found = select ? offered.select(query, share) : offered.list(query);
      if (select && found.size() > MetaContexts.MAXIMUM_SELECTED) {
        forgetContexts();
        reply(
            option,
            Wire.REP_ERR_TOO_BIG,
            found.size() + " contexts asked for, allowed " + MetaContexts.MAXIMUM_SELECTED);
        return;
      }
      for (MetaContext context : found) {
        int at = open(option, Wire.REP_META_CONTEXT);
        out.putInt(select ? context.id() : 0).put(WireText.bytes(context.name()));
        seal(at);
      }
      if (select) {
        contexts = found;
        contextsOf = query.export();
      }
      reply(option, Wire.REP_ACK, "");
    } catch (PeerGone e) {
      throw e;
    } catch (IOException e) {
      forgetContexts();
      if (e instanceof BlksnapException refused && refused.errno() == Errno.ENOMEM) {
        reply(option, Wire.REP_ERR_TOO_BIG, e.getMessage());
      } else {
        reply(option, Wire.REP_ERR_POLICY, "change map cannot be read: " + e.getMessage());
      }
    }
  }

  /** Null where there is none, or none for this listener's clients. */
  private Target find(String name) {
    return exports.find(name).filter(access::admits).orElse(null);
  }

  private void forgetContexts() {
    contexts = List.of();
    share.close();
  }

  private Session session(Target target, String asked) {
    boolean readOnly =
        access.readOnly()
            || target.device().geometry().readOnly()
            || (target.image() && limits.imagesReadOnly());
    List<MetaContext> selected = asked.equals(contextsOf) ? contexts : List.of();
    return new Session(target, target.device().capacity(), readOnly, mode, selected);
  }

  private int flags(Session session) {
    int flags =
        Wire.FLAG_HAS_FLAGS
            | Wire.FLAG_SEND_FLUSH
            | Wire.FLAG_SEND_FUA
            | Wire.FLAG_CAN_MULTI_CONN
            | Wire.FLAG_SEND_CACHE;
    flags |=
        session.readOnly()
            ? Wire.FLAG_READ_ONLY
            : Wire.FLAG_SEND_TRIM | Wire.FLAG_SEND_WRITE_ZEROES | Wire.FLAG_SEND_FAST_ZERO;
    if (session.target().device().geometry().rotational()) {
      flags |= Wire.FLAG_ROTATIONAL;
    }
    if (mode != Mode.SIMPLE) {
      flags |= Wire.FLAG_SEND_DF;
    }
    if (mode == Mode.EXTENDED && !session.contexts().isEmpty()) {
      flags |= Wire.FLAG_BLOCK_STATUS_PAYLOAD;
    }
    return flags;
  }

  private void reply(int option, int type, String message) throws IOException {
    int at = open(option, type);
    out.put(WireText.bytes(message));
    seal(at);
  }

  /** Begins an option reply; {@link #seal} ends it. */
  private int open(int option, int type) throws IOException {
    if (out.remaining() < 2 * Wire.MAXIMUM_STRING + 64) {
      send();
    }
    out.putLong(Wire.OPTION_REPLY_MAGIC).putInt(option).putInt(type).putInt(0);
    return out.position();
  }

  private void seal(int at) {
    out.putInt(at - Integer.BYTES, out.position() - at);
  }

  private void send() throws PeerGone {
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

  /** Makes sure that this many bytes lie in {@code in}. */
  private void need(int bytes) throws IOException {
    while (in.remaining() < bytes) {
      if (in.capacity() - in.position() < bytes || !in.hasRemaining()) {
        in.compact().flip();
      }
      int begin = in.position();
      in.position(in.limit()).limit(in.capacity());
      int got;
      try {
        got = transport.read(in);
      } finally {
        in.limit(in.position()).position(begin);
      }
      if (got < 0) {
        throw new PeerGone(new EOFException("client left in its handshake"));
      }
      if (got == 0) {
        wait.input(transport);
      }
    }
  }
}
