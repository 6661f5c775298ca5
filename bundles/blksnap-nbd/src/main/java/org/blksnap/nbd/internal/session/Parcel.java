// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.export.ExportKind;
import org.blksnap.nbd.internal.export.MetaContext;
import org.blksnap.nbd.internal.export.OpenExport;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.Transport;

/**
 * A connection at rest, as JDK types alone, so that the next version of this bundle can go on with
 * it.
 *
 * <pre>
 * version    Integer   {@link #VERSION}
 * listener   String    address it came in by
 * kind       String    {@code device}, {@code image} or {@code source}
 * name, identity, size, readOnly, mode     what was negotiated
 * contexts   List of Map: id Integer, name String, blockSize Integer, changed BitSet or absent
 * input      byte[]    received, not yet carried out
 * tls        Map       engine SSLEngine, network byte[], plain byte[]; absent without TLS
 * longWrite  Map       a write whose payload is still arriving ({@link LongWrite}): flags, type,
 *                      error Integer, cookie, offset, length, left, at Long, text String; absent
 *                      between two requests, and before version 3
 * </pre>
 *
 * <p>The socket itself stands beside this map, so that the shelf closes it if nobody comes.
 */
public record Parcel(
    String listener, SocketChannel channel, Map<String, Object> state, byte[] input) {
  /** Where the socket and the map of a parcel stand in what a server leaves; a number follows. */
  public static final String CHANNEL = "channel:";

  public static final String STATE = "state:";

  static final int VERSION = 3;

  /** Oldest version that is understood. */
  static final int OLDEST = 2;

  /** {@code underWay} is null between two requests. */
  static Parcel of(
      String listener, Transport pipe, Session session, byte[] input, LongWrite underWay)
      throws IOException {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("version", VERSION);
    state.put("listener", listener);
    state.put("kind", session.target().word());
    state.put("name", session.target().name());
    state.put("identity", session.target().identity());
    state.put("size", session.size());
    state.put("readOnly", session.readOnly());
    state.put("mode", session.mode().name());
    List<Map<String, Object>> contexts = new ArrayList<>();
    for (MetaContext context : session.contexts()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("id", context.id());
      one.put("name", context.name());
      if (!context.allocation()) {
        one.put("blockSize", context.blockSize());
        one.put("changed", context.changed());
      }
      contexts.add(one);
    }
    state.put("contexts", contexts);
    state.put("input", input);
    if (underWay != null) {
      state.put("longWrite", underWay.state());
    }
    SocketTransport socket;
    if (pipe instanceof TlsTransport tls) {
      state.put("tls", tls.state());
      socket = tls.socket();
    } else {
      socket = (SocketTransport) pipe;
    }
    return new Parcel(listener, socket.detach(), state, input);
  }

  /** What a predecessor left; empty where it is of another version or not what it should be. */
  public static Optional<Parcel> of(SocketChannel channel, Object left) {
    if (!(left instanceof Map<?, ?> map)
        || !(map.get("version") instanceof Integer version)
        || version < OLDEST
        || version > VERSION) {
      return Optional.empty();
    }
    Map<String, Object> state = new LinkedHashMap<>();
    map.forEach((key, value) -> state.put(String.valueOf(key), value));
    return Optional.of(
        new Parcel((String) state.get("listener"), channel, state, (byte[]) state.get("input")));
  }

  /** Where it fails nothing is left open but the channel itself. */
  public Transport transport() throws IOException {
    SocketTransport socket = new SocketTransport(channel);
    boolean resumed = false;
    try {
      Transport pipe =
          state.get("tls") instanceof Map<?, ?> tls ? TlsTransport.resume(socket, tls) : socket;
      resumed = true;
      return pipe;
    } finally {
      if (!resumed) {
        socket.close();
      }
    }
  }

  /** What was negotiated for, in words. */
  String words() {
    return text("kind") + " " + text("name");
  }

  /** The write whose payload was still arriving; null for none. */
  LongWrite longWrite() {
    return state.get("longWrite") instanceof Map<?, ?> map ? LongWrite.of(map) : null;
  }

  /**
   * The session, on the present target of its name; waits while the engine or the source is away.
   * Fails where a source is there and cannot be opened.
   */
  Optional<Session> session(OpenExport export) throws IOException {
    ExportKind kind = ExportKind.valueOf(text("kind").toUpperCase(Locale.ROOT));
    return export
        .again(kind, text("name"), text("identity"))
        .map(
            target ->
                new Session(
                    target,
                    (Long) state.get("size"),
                    (Boolean) state.get("readOnly"),
                    Mode.valueOf(text("mode")),
                    contexts()));
  }

  List<MetaContext> contexts() {
    List<MetaContext> contexts = new ArrayList<>();
    for (Object one : (List<?>) state.get("contexts")) {
      Map<?, ?> map = (Map<?, ?>) one;
      int id = (Integer) map.get("id");
      String name = (String) map.get("name");
      contexts.add(
          map.get("changed") instanceof BitSet changed
              ? new MetaContext(id, name, (Integer) map.get("blockSize"), changed)
              : MetaContext.allocation(id, name));
    }
    return contexts;
  }

  /** Ends it: nobody goes on with it. */
  public void drop() {
    try {
      channel.close();
    } catch (IOException e) {
      // The descriptor is gone either way.
    }
  }

  private String text(String key) {
    return (String) state.get(key);
  }
}
