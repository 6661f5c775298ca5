// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.export.ExportKind;
import org.blksnap.nbd.internal.export.Access;
import org.blksnap.nbd.internal.export.ContextBudget;
import org.blksnap.nbd.internal.export.Exports;
import org.blksnap.nbd.internal.export.MetaContext;
import org.blksnap.nbd.internal.export.MetaContexts;
import org.blksnap.nbd.internal.export.OpenExport;
import org.blksnap.nbd.internal.export.Target;
import org.blksnap.nbd.internal.protocol.ContextQuery;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.OptionReader;
import org.blksnap.nbd.internal.protocol.OptionReplies;
import org.blksnap.nbd.internal.protocol.PeerGone;
import org.blksnap.nbd.internal.protocol.ProtocolViolation;
import org.blksnap.nbd.internal.protocol.Transport;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireText;

/**
 * The negotiation of one connection: fixed newstyle, one option after the other, until the client
 * enters the transmission phase or leaves. Used by the connection's thread alone.
 *
 * <p>Bounds: those of {@link OptionReader}.
 */
final class Handshake {
  /** Smallest piece we advise clients to use; any is accepted. */
  static final int PREFERRED_BLOCK = 4096;

  /** Turns the plain pipe into a secure one. */
  interface Upgrade {
    Transport secure(Transport plain) throws IOException;
  }

  private final Exports exports;
  private final OpenExport export;
  private final Access access;
  private final Limits limits;
  private final Upgrade upgrade;
  private final ContextBudget.Share share;
  private final OptionReader options;
  private final OptionReplies replies;

  private Transport transport;
  private boolean secure;

  private boolean noZeroes;
  private boolean fixed;
  private Mode mode = Mode.SIMPLE;
  private String contextsOf = "";
  private List<MetaContext> contexts = List.of();

  /**
   * {@code export} is what the connection has open, and its own to close. {@code in} is empty and
   * ready to be read from; {@code out} is clear. {@code upgrade} is null on a plain listener;
   * elsewhere TLS is forced.
   */
  Handshake(
      Transport transport,
      Exports exports,
      OpenExport export,
      Access access,
      Limits limits,
      Upgrade upgrade,
      Transport.Wait wait,
      ContextBudget.Share share,
      ByteBuffer in,
      ByteBuffer out) {
    this.transport = transport;
    this.exports = exports;
    this.export = export;
    this.access = access;
    this.limits = limits;
    this.upgrade = upgrade;
    this.share = share;
    this.options = new OptionReader(transport, wait, in);
    this.replies = new OptionReplies(transport, out);
  }

  /** Empty where the client left in good order. */
  Optional<Session> negotiate() throws IOException {
    replies.greeting();
    replies.send();
    int flags = options.flags();
    fixed = (flags & Wire.HANDSHAKE_FIXED_NEWSTYLE) != 0;
    noZeroes = (flags & Wire.HANDSHAKE_NO_ZEROES) != 0;
    while (true) {
      int option = options.next();
      Optional<Session> session = option(option, options.data());
      replies.send();
      if (option == Wire.OPT_ABORT) {
        return Optional.empty();
      }
      if (session.isPresent()) {
        return session;
      }
    }
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
    Session session = session(export.open(target), name);
    replies.exportName(session.size(), flags(session), noZeroes);
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
      reply(option, Wire.REP_ERR_UNKNOWN, nothingNamed(name));
      return Optional.empty();
    }
    try {
      target = export.open(target);
    } catch (BlksnapException e) {
      reply(option, Wire.REP_ERR_UNKNOWN, e.getMessage());
      return Optional.empty();
    }
    Session session = session(target, name);
    replies.export(option, session.size(), flags(session));
    replies.blockSizes(option, 1, PREFERRED_BLOCK, limits.maximumRequest());
    boolean named = false;
    boolean described = false;
    data.getShort();
    while (data.hasRemaining()) {
      int wanted = data.getShort() & 0xffff;
      if (wanted == Wire.INFO_NAME && !named) {
        named = true;
        replies.info(option, wanted, target.name());
      } else if (wanted == Wire.INFO_DESCRIPTION && !described) {
        described = true;
        replies.info(option, wanted, target.description());
      }
    }
    reply(option, Wire.REP_ACK, "");
    return option == Wire.OPT_GO ? Optional.of(session) : Optional.empty();
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
      replies.server(target.name(), target.description());
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
      if (options.more()) {
        throw new ProtocolViolation("plain bytes behind STARTTLS");
      }
      reply(option, Wire.REP_ACK, "");
      replies.send();
      transport = upgrade.secure(transport);
      options.over(transport);
      replies.over(transport);
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
      reply(option, Wire.REP_ERR_UNKNOWN, nothingNamed(query.export()));
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
        replies.context(option, select ? context.id() : 0, context.name());
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

  private static String nothingNamed(String name) {
    return "no device, no image and no source is named \"" + name + "\"";
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
        Wire.FLAG_HAS_FLAGS | Wire.FLAG_SEND_FLUSH | Wire.FLAG_SEND_FUA | Wire.FLAG_SEND_CACHE;
    if (session.readOnly() || session.target().kind() != ExportKind.SOURCE) {
      // What is flushed on one device of a source need not be what was written on another.
      flags |= Wire.FLAG_CAN_MULTI_CONN;
    }
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
    replies.reply(option, type, message);
  }
}
