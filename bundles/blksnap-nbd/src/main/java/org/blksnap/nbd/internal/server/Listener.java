// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.function.BiConsumer;
import org.blksnap.nbd.internal.export.Access;
import org.blksnap.nbd.internal.session.Door;
import org.blksnap.nbd.internal.session.TlsIdentity;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One listening socket and the thread that accepts from it. The socket can be taken out open, for a
 * successor, while clients queue in its backlog.
 */
public final class Listener implements Runnable {
  static final Set<PosixFilePermission> DIRECTORY = PosixFilePermissions.fromString("rwx------");
  static final Set<PosixFilePermission> SOCKET = PosixFilePermissions.fromString("rw-------");
  static final int BACKLOG = 128;

  /** Pause after a failed accept, such as too many open files. */
  private static final long PAUSE_MILLIS = 100;

  private static final long JOIN_MILLIS = 2_000;
  private static final Logger LOG = LoggerFactory.getLogger(Listener.class);

  private final ListenAddress address;
  private volatile TlsIdentity tls;
  private volatile Access access;
  private final ServerSocketChannel channel;
  private final Selector selector;
  private final BiConsumer<Listener, SocketChannel> clients;
  private final Thread thread;
  private volatile boolean stopping;

  private Listener(
      ListenAddress address,
      TlsIdentity tls,
      Access access,
      ServerSocketChannel channel,
      Selector selector,
      BiConsumer<Listener, SocketChannel> clients) {
    this.address = address;
    this.tls = tls;
    this.access = access;
    this.channel = channel;
    this.selector = selector;
    this.clients = clients;
    this.thread = new Thread(this, "nbd-accept");
    thread.setDaemon(true);
  }

  /** Binds and begins to accept. */
  static Listener open(
      ListenAddress address,
      TlsIdentity tls,
      Access access,
      BiConsumer<Listener, SocketChannel> clients)
      throws IOException {
    ServerSocketChannel channel = address.socket() != null ? bindUnix(address) : bindTcp(address);
    return adopt(address, tls, access, channel, clients);
  }

  /**
   * Goes on with a socket that listens already. Where it fails, the socket is closed and its file
   * removed: nothing listens that nobody accepts from.
   */
  static Listener adopt(
      ListenAddress address,
      TlsIdentity tls,
      Access access,
      ServerSocketChannel channel,
      BiConsumer<Listener, SocketChannel> clients)
      throws IOException {
    Selector selector = null;
    boolean begun = false;
    try {
      ListenAddress bound =
          address.socket() != null
              ? address
              : ListenAddress.tcp((InetSocketAddress) channel.getLocalAddress());
      selector = Selector.open();
      channel.configureBlocking(false);
      channel.register(selector, SelectionKey.OP_ACCEPT);
      Listener listener = new Listener(bound, tls, access, channel, selector, clients);
      listener.thread.start();
      begun = true;
      return listener;
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      throw new IOException("cannot listen on " + address + ": " + e, e);
    } finally {
      if (!begun) {
        undo(address, channel, selector);
      }
    }
  }

  private static void undo(ListenAddress address, ServerSocketChannel channel, Selector selector)
      throws IOException {
    if (selector != null) {
      selector.close();
    }
    channel.close();
    if (address.socket() != null) {
      Files.deleteIfExists(address.socket());
    }
  }

  private static ServerSocketChannel bindTcp(ListenAddress address) throws IOException {
    ServerSocketChannel channel = ServerSocketChannel.open();
    try {
      channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      return channel.bind(address.tcp(), BACKLOG);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw new IOException("cannot listen on " + address + ": " + e.getMessage(), e);
    }
  }

  /**
   * A new socket file is bound inside a directory only we may enter, so nobody connects before its
   * own mode is set.
   */
  private static ServerSocketChannel bindUnix(ListenAddress address) throws IOException {
    Path path = address.socket();
    Path directory = path.getParent();
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(directory.getParent());
      Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(DIRECTORY));
    }
    removeStale(path);
    ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    boolean bound = false;
    try {
      channel.bind(UnixDomainSocketAddress.of(path), BACKLOG);
      bound = true;
      Files.setPosixFilePermissions(path, SOCKET);
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      if (bound) {
        Files.deleteIfExists(path);
      }
      throw new IOException("cannot listen on socket " + path + ": " + e.getMessage(), e);
    }
  }

  private static void removeStale(Path path) throws IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      probe.connect(UnixDomainSocketAddress.of(path));
      throw new BindException(
          "socket "
              + path
              + " refused: another server listens on it; stop that one, or set socket_path of"
              + " org.blksnap.nbd to another path");
    } catch (BindException e) {
      throw e;
    } catch (IOException e) {
      LOG.debug("socket {} is stale: {}", path, e.toString());
    }
    if (Files.isRegularFile(path) || Files.isDirectory(path)) {
      throw new BindException(
          "socket " + path + " refused: something that is no socket stands there; remove it");
    }
    Files.delete(path);
  }

  /** How a client comes in that is accepted now. */
  Door door() {
    return new Door(address.toString(), access, tls);
  }

  public ListenAddress address() {
    return address;
  }

  /** Null where it is plain. */
  TlsIdentity tls() {
    return tls;
  }

  /** What its clients may have. */
  Access access() {
    return access;
  }

  /** For clients accepted from now on. */
  void admit(TlsIdentity nextTls, Access nextAccess) {
    access = nextAccess;
    tls = nextTls;
  }

  public String uri(String export) {
    return address.uri(export, tls != null);
  }

  boolean alive() {
    return thread.isAlive() && channel.isOpen();
  }

  @Override
  public void run() {
    while (!stopping) {
      try {
        selector.select(key -> {});
        for (SocketChannel client = accept(); client != null; client = accept()) {
          clients.accept(this, client);
        }
      } catch (IOException | RuntimeException | Error e) {
        if (!stopping) {
          LOG.warn("accept on {} failed: {}", address, e.toString());
          pause();
        }
      }
    }
  }

  private SocketChannel accept() throws IOException {
    return stopping ? null : channel.accept();
  }

  private static void pause() {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Stops accepting; answers the socket, still listening. */
  ServerSocketChannel detach() {
    stopAccepting();
    return channel;
  }

  /** Stops listening and removes the socket file. Idempotent. */
  void close() {
    boolean open = channel.isOpen();
    stopAccepting();
    try {
      channel.close();
      if (open && address.socket() != null) {
        Files.deleteIfExists(address.socket());
      }
    } catch (IOException e) {
      LOG.debug("closing {}", address, e);
    }
  }

  private void stopAccepting() {
    stopping = true;
    selector.wakeup();
    try {
      thread.join(JOIN_MILLIS);
      selector.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      LOG.debug("closing the selector of {}", address, e);
    }
  }
}
