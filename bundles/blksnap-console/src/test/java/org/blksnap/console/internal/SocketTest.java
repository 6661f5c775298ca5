// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.DataOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.karaf.shell.impl.console.SessionFactoryImpl;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Where the socket lies, and who may connect to it. */
@Timeout(60)
class SocketTest {
  /** A user that no machine knows by name. */
  private static final int NAMELESS = 1_999_999_999;

  @TempDir Path directory;

  private final ThreadIOImpl threadIo = new ThreadIOImpl();
  private SessionFactoryImpl sessions;
  private Path socket;
  private ConsoleServer server;

  @BeforeEach
  void open() throws IOException {
    threadIo.start();
    TestCommands commands = new TestCommands(threadIo);
    sessions = commands.sessions;
    commands.add(
        "words", (session, words) -> words.forEach(word -> System.out.println("[" + word + "]")));
    socket = directory.resolve("console.sock");
    server = new ConsoleServer(socket, new Console(sessions));
  }

  /** Not before what ran for clients has ended: the end of a session sets the streams once more. */
  @AfterEach
  void close() throws InterruptedException {
    server.close();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("blksnap-console-")) {
        thread.join();
      }
    }
    threadIo.stop();
  }

  @Test
  void onlyTheOwnerMayConnect() throws Exception {
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
  }

  @Test
  void theOwnerOfTheSocketIsLetInThoughItHasNoName() throws Exception {
    assumeTrue(Files.getAttribute(directory, "unix:uid").equals(0), "needs root");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
    String refused = saidTo(NAMELESS);
    assertTrue(refused.contains("user " + NAMELESS + " refused"), refused);
    Files.setAttribute(socket, "unix:uid", NAMELESS);
    String answered = saidTo(NAMELESS);
    assertTrue(answered.contains("no such command"), answered);
  }

  /** What a client of this user is told whose command is unknown. */
  private String saidTo(int user) throws Exception {
    Process client =
        new ProcessBuilder(
                "setpriv",
                "--reuid=" + user,
                "--clear-groups",
                "perl",
                "-MSocket",
                "-e",
                "$SIG{PIPE} = 'IGNORE'; socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un($ARGV[0])) or die;"
                    + " syswrite(S, pack('aNaaN', 'A', 1, 'x', 'R', 0)); print while <S>;",
                socket.toString())
            .redirectErrorStream(true)
            .start();
    return new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void aShortLinkIsMadeWhereItsPathFits() throws Exception {
    Path deep = Files.createDirectory(directory.resolve("d".repeat(120)));
    Path there = deep.resolve("console.sock");
    List<Path> places = List.of(directory.resolve("not-there"), deep, directory);
    try (ConsoleServer far = new ConsoleServer(there, new Console(sessions), places, Thread::new)) {
      assertTrue(Files.exists(there));
      assertEquals(List.of(there), listed(deep));
    }
    IOException refused =
        assertThrows(
            IOException.class,
            () ->
                new ConsoleServer(there, new Console(sessions), List.of(deep), Thread::new)
                    .close());
    assertTrue(refused.getMessage().contains("too long"), refused.getMessage());
    assertEquals(List.of(), listed(deep));
  }

  private static List<Path> listed(Path place) throws IOException {
    try (Stream<Path> all = Files.list(place)) {
      return all.toList();
    }
  }

  @Test
  void aPathLongerThanAnAddressIsServed() throws Exception {
    Path deep = directory.resolve("d".repeat(120));
    Files.createDirectory(deep);
    Path there = deep.resolve("console.sock");
    try (ConsoleServer far = new ConsoleServer(there, new Console(sessions))) {
      Path link = Files.createSymbolicLink(directory.resolve("short"), deep);
      try (SocketChannel client =
          SocketChannel.open(UnixDomainSocketAddress.of(link.resolve("console.sock")))) {
        DataOutputStream out = new DataOutputStream(ChannelStreams.out(client));
        Frame.of(Frame.WORD, "words").write(out);
        Frame.of(Frame.WORD, "far").write(out);
        Frame.of(Frame.RUN, "").write(out);
        assertEquals("[far]\n", TestClient.answer(client).printed());
      }
    }
    assertFalse(Files.exists(there));
  }
}
