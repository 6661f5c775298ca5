// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.DataOutputStream;
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
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The unix socket by which {@code bin/blksnap} reaches the shell. The directory it lies in and its
 * own mode keep others out, and the kernel's word on who connects is asked besides: the owner of
 * the socket, which is this process's user, and root are let in, each as administrator.
 *
 * <p>States: listening until {@link #close}, then closed: nobody new comes in, and what runs goes
 * on to its end. That may be the very command that updates this bundle.
 *
 * <p>Left out: any password, and any way in from another machine; for that there is Karaf's feature
 * {@code ssh}.
 */
final class ConsoleServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ConsoleServer.class);

  /** Clients at once; one more is refused with a line that says so. */
  static final int MAXIMUM_CONNECTIONS = 32;

  /** Connections that wait to be accepted. */
  private static final int BACKLOG = 16;

  /** Longest address of a unix socket that the kernel takes, bytes. */
  private static final int LONGEST_ADDRESS = 107;

  /** Where a short link to a deep directory may stand; the first that takes it is used. */
  private static final List<Path> SHORT_PLACES =
      List.of(
          Path.of("/tmp"),
          Path.of("/var/tmp"),
          Path.of("/dev/shm"),
          Path.of(System.getProperty("java.io.tmpdir")));

  /** Pause after a client could not be accepted: what was short may be there again. */
  private static final long PAUSE_MILLIS = 100;

  private final Path socket;
  private final Console console;
  private final ThreadFactory threads;
  private final ServerSocketChannel channel;
  private final Thread accepting;

  @GuardedBy("this")
  private final Set<Connection> connections = new HashSet<>();

  @GuardedBy("this")
  private long made;

  ConsoleServer(Path socket, Console console) throws IOException {
    this(socket, console, SHORT_PLACES, Thread::new);
  }

  /** With places for a short link and a maker of the clients' threads, for tests. */
  ConsoleServer(Path socket, Console console, List<Path> places, ThreadFactory threads)
      throws IOException {
    this.socket = socket;
    this.console = console;
    this.threads = threads;
    channel = bound(socket, places);
    accepting = new Thread(this::accept, "blksnap-console-accept");
    accepting.setDaemon(true);
    accepting.start();
  }

  /**
   * Through a short link where the path is too long for the kernel; the socket lies there anyway.
   */
  private static ServerSocketChannel bound(Path socket, List<Path> places) throws IOException {
    Files.deleteIfExists(socket);
    ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    Path link = null;
    try {
      Path address = socket;
      if (!fits(socket)) {
        link = shortDirectory(socket, places);
        address =
            Files.createSymbolicLink(link.resolve("d"), socket.getParent())
                .resolve(socket.getFileName());
      }
      channel.bind(UnixDomainSocketAddress.of(address), BACKLOG);
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    } finally {
      if (link != null) {
        Files.deleteIfExists(link.resolve("d"));
        Files.deleteIfExists(link);
      }
    }
  }

  private static boolean fits(Path address) {
    return address.toString().getBytes(StandardCharsets.UTF_8).length <= LONGEST_ADDRESS;
  }

  /** A fresh directory of ours, short enough for a link {@code d} in it to lead to the socket. */
  private static Path shortDirectory(Path socket, List<Path> places) throws IOException {
    List<String> reasons = new ArrayList<>();
    for (Path place : places) {
      try {
        Path made = Files.createTempDirectory(place, "blksnap-");
        if (fits(made.resolve("d").resolve(socket.getFileName()))) {
          return made;
        }
        Files.delete(made);
        reasons.add(place + " is too long");
      } catch (IOException e) {
        reasons.add(e.toString());
      }
    }
    throw new IOException(
        "socket "
            + socket
            + " refused: its path is longer than "
            + LONGEST_ADDRESS
            + " bytes, and a short link to it can be made nowhere: "
            + String.join("; ", reasons));
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
          LOG.warn("clients of {} cannot be accepted: {}", socket, e.toString());
        }
        told = true;
        close(client);
        pause();
      }
    }
  }

  private static void close(SocketChannel client) {
    if (client != null) {
      try {
        client.close();
      } catch (IOException e) {
        LOG.debug("closing a client: {}", e.toString());
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      // The next accept ends by it.
      Thread.currentThread().interrupt();
    }
  }

  private void admit(SocketChannel client) throws IOException {
    String peer = client.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName();
    if (!peer.equals("root") && !peer.equals(Files.getOwner(socket).getName())) {
      refuse(client, "user " + peer + " refused: allowed are root and the user who runs this");
      return;
    }
    Connection connection = new Connection(client, console, peer);
    long number;
    synchronized (this) {
      number = connections.size() < MAXIMUM_CONNECTIONS ? ++made : 0;
      if (number > 0) {
        connections.add(connection);
      }
    }
    if (number == 0) {
      refuse(
          client,
          "command refused: "
              + MAXIMUM_CONNECTIONS
              + " commands run, which is the most; wait for one to end [EBUSY]");
      return;
    }
    try {
      Thread thread =
          threads.newThread(
              () -> {
                try {
                  connection.run();
                } finally {
                  forget(connection);
                }
              });
      thread.setName("blksnap-console-" + number);
      thread.setDaemon(true);
      thread.start();
    } catch (RuntimeException | OutOfMemoryError e) {
      forget(connection);
      throw e;
    }
  }

  private static void refuse(SocketChannel client, String why) throws IOException {
    try (client) {
      DataOutputStream out = new DataOutputStream(ChannelStreams.out(client));
      Frame.of(Frame.ERRORS, why + "\n").write(out);
      Frame.of(Frame.EXIT, Integer.toString(Console.FAILED)).write(out);
    }
  }

  private synchronized void forget(Connection connection) {
    connections.remove(connection);
  }

  @Override
  public void close() {
    try {
      channel.close();
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      LOG.warn("socket {} could not be removed: {}", socket, e.toString());
    }
  }
}
