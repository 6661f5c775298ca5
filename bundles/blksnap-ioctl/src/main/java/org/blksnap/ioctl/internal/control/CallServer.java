// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.control;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import jdk.net.ExtendedSocketOptions;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.dispatch.ControlDispatcher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The unix socket by which native programs reach the engine: {@code libblksnap-ioctl.so} turns
 * their calls into connections, one each. The socket's mode keeps others out, and the kernel's word
 * on who connects is asked besides: root and the user who runs this are let in.
 *
 * <p>States: listening until {@link #close}. Then nobody new comes in, waits for events end with
 * EINTR (a program asks again, and reaches the successor), and other calls go on to their end for
 * {@link #LONGEST_CLOSE}; after that their clients are hung up on.
 *
 * <p>Lock: this object's monitor, for who is connected; nothing is read or written with it.
 */
public final class CallServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CallServer.class);

  /** Calls at once; one more is answered EAGAIN. */
  static final int MOST_CALLS = 256;

  /** How long a client may take to send or take one piece of a call, 64 KiB at most. */
  static final Duration STALL = Duration.ofSeconds(30);

  /** How long a close waits for calls that change something. */
  static final Duration LONGEST_CLOSE = Duration.ofSeconds(10);

  /** Connections that wait to be accepted. */
  private static final int BACKLOG = 64;

  /** Longest address of a unix socket that the kernel takes, bytes. */
  private static final int LONGEST_ADDRESS = 107;

  /** Between two looks for clients that stall. */
  private static final long LOOK_MILLIS = 500;

  private final Path path;
  private final ControlDispatcher dispatcher;
  private final Duration stall;
  private final ServerSocketChannel channel;
  private final UserPrincipal owner;
  private final UserPrincipal root;

  @GuardedBy("this")
  private final Set<ClientSocket> clients = new HashSet<>();

  @GuardedBy("this")
  private long made;

  private volatile boolean stopping;

  public CallServer(Path path, ControlDispatcher dispatcher) throws IOException {
    this(path, dispatcher, STALL);
  }

  /** With another bound for clients that stall, for tests. */
  CallServer(Path path, ControlDispatcher dispatcher, Duration stall) throws IOException {
    this.path = path;
    this.dispatcher = dispatcher;
    this.stall = stall;
    channel = bound(path);
    owner = Files.getOwner(path);
    root = path.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("0");
    begin("blksnap-ioctl-accept", this::accept);
    begin("blksnap-ioctl-watch", this::watch);
  }

  private static void begin(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  private static ServerSocketChannel bound(Path path) throws IOException {
    if (path.toString().getBytes(StandardCharsets.UTF_8).length > LONGEST_ADDRESS) {
      throw new IOException(
          "socket "
              + path
              + " refused: its path is longer than "
              + LONGEST_ADDRESS
              + " bytes; name a shorter one");
    }
    Files.deleteIfExists(path);
    ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.bind(UnixDomainSocketAddress.of(path), BACKLOG);
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private void accept() {
    boolean told = false;
    while (channel.isOpen()) {
      SocketChannel client = null;
      try {
        client = channel.accept();
        admit(client);
        told = false;
      } catch (ClosedChannelException e) {
        if (client == null) {
          return;
        }
      } catch (IOException | RuntimeException | OutOfMemoryError e) {
        if (!told) {
          LOG.warn("clients of {} cannot be accepted: {}", path, e.toString());
        }
        told = true;
        if (client != null) {
          new ClientSocket(client, stall).close();
        }
        pause();
      }
    }
  }

  private void admit(SocketChannel client) throws IOException {
    ClientSocket socket = new ClientSocket(client, stall);
    UserPrincipal user = client.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
    if (!user.equals(owner) && !user.equals(root)) {
      LOG.warn("user {} refused at {}: allowed are root and {}", user, path, owner);
      refuse(socket, client, Errno.EACCES);
      return;
    }
    long number = enter(socket);
    if (number == 0) {
      refuse(socket, client, Errno.EAGAIN);
      return;
    }
    try {
      begin("blksnap-ioctl-" + number, () -> serve(socket));
    } catch (RuntimeException | OutOfMemoryError e) {
      leave(socket);
      throw e;
    }
  }

  private synchronized long enter(ClientSocket socket) {
    if (clients.size() >= MOST_CALLS || stopping) {
      return 0;
    }
    clients.add(socket);
    return ++made;
  }

  private synchronized void leave(ClientSocket socket) {
    clients.remove(socket);
    notifyAll();
  }

  private void serve(ClientSocket socket) {
    try {
      new CallConnection(socket, dispatcher, () -> stopping).run();
    } finally {
      socket.close();
      leave(socket);
    }
  }

  /** Without waiting: the answer fits into what the kernel keeps for a fresh socket. */
  private static void refuse(ClientSocket socket, SocketChannel client, Errno why)
      throws IOException {
    try (socket) {
      client.configureBlocking(false);
      client.write(CallFrame.frame(CallFrame.RESULT, why.code(), 0));
    }
  }

  private void watch() {
    while (true) {
      synchronized (this) {
        if (stopping && clients.isEmpty()) {
          return;
        }
        for (ClientSocket client : clients) {
          if (client.dropIfLate()) {
            LOG.warn("a client of {} was hung up on: it stalled for {} s", path, stall.toSeconds());
          }
        }
      }
      pause(LOOK_MILLIS);
    }
  }

  private static void pause() {
    pause(100);
  }

  private static void pause(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
      Files.deleteIfExists(path);
    } catch (IOException e) {
      LOG.warn("socket {} could not be removed: {}", path, e.toString());
    }
    stopping = true;
    awaitClients();
  }

  private synchronized void awaitClients() {
    long end = System.nanoTime() + LONGEST_CLOSE.toNanos();
    try {
      for (long left = 1; !clients.isEmpty() && left > 0; ) {
        left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        wait(Math.max(1, left));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    clients.forEach(ClientSocket::close);
  }
}
