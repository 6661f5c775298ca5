// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.karaf.shell.api.console.Command;
import org.apache.karaf.shell.api.console.Completer;
import org.apache.karaf.shell.api.console.Parser;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.impl.console.SessionFactoryImpl;
import org.apache.karaf.shell.support.CommandException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ConsoleServerTest {
  /** A user that no machine knows by name. */
  private static final int NAMELESS = 1_999_999_999;

  @TempDir Path directory;

  private final ThreadIOImpl threadIo = new ThreadIOImpl();
  private final CountDownLatch waiting = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final CountDownLatch goOn = new CountDownLatch(1);
  private SessionFactoryImpl sessions;
  private Path socket;
  private ConsoleServer server;

  @BeforeEach
  void open() throws IOException {
    threadIo.start();
    sessions = new SessionFactoryImpl(threadIo);
    command(
        "words", (session, words) -> words.forEach(word -> System.out.println("[" + word + "]")));
    command(
        "refuse",
        (session, words) -> {
          System.out.println("so far");
          throw new CommandException("\u001b[31mrefused\u001b[0m", "refused");
        });
    command(
        "wait",
        (session, words) -> {
          waiting.countDown();
          try {
            new CountDownLatch(1).await();
          } finally {
            ended.countDown();
          }
        });
    command(
        "let-go",
        (session, words) -> {
          waiting.countDown();
          goOn.await();
          words.forEach(word -> System.out.println("[" + word + "]"));
        });
    command("much", (session, words) -> System.out.print("x".repeat(1_000_000)));
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

  private interface Body {
    void run(Session session, List<Object> words) throws Exception;
  }

  private void command(String name, Body body) {
    sessions
        .getRegistry()
        .register(
            new Command() {
              @Override
              public String getScope() {
                return "blksnap";
              }

              @Override
              public String getName() {
                return name;
              }

              @Override
              public String getDescription() {
                return name;
              }

              @Override
              public Completer getCompleter(boolean scoped) {
                return null;
              }

              @Override
              public Parser getParser() {
                return null;
              }

              @Override
              public Object execute(Session session, List<Object> words) throws Exception {
                body.run(session, words);
                return null;
              }
            });
  }

  private record Answer(String printed, String errors, String status) {}

  private static Answer answer(SocketChannel client) throws IOException {
    DataInputStream in = new DataInputStream(ChannelStreams.in(client));
    StringBuilder printed = new StringBuilder();
    StringBuilder errors = new StringBuilder();
    String status = null;
    for (Frame frame = Frame.read(in); frame != null; frame = Frame.read(in)) {
      switch (frame.kind()) {
        case Frame.PRINTED -> printed.append(frame.text());
        case Frame.ERRORS -> errors.append(frame.text());
        default -> status = frame.text();
      }
    }
    return new Answer(printed.toString(), errors.toString(), status);
  }

  private SocketChannel asked(String... words) throws IOException {
    SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    DataOutputStream out = new DataOutputStream(ChannelStreams.out(client));
    for (String word : words) {
      Frame.of(Frame.WORD, word).write(out);
    }
    Frame.of(Frame.RUN, "").write(out);
    return client;
  }

  private Answer run(String... words) throws IOException {
    try (SocketChannel client = asked(words)) {
      return answer(client);
    }
  }

  @Test
  void wordsArriveAsTheyAre() throws Exception {
    assertEquals(
        "[a b]\n[it's]\n[c:\\d]\n[$x ; #|&]\n[é]\n[]\n",
        run("words", "a b", "it's", "c:\\d", "$x ; #|&", "é", "").printed());
  }

  @Test
  void whatFailedIsSaidApartFromWhatWasPrintedAndWithoutColours() throws Exception {
    assertEquals(new Answer("so far\n", "refused\n", "1"), run("refuse"));
  }

  @Test
  void anUnknownCommandIsRefusedByName() throws Exception {
    Answer answer = run("no-such");
    assertEquals("", answer.printed());
    assertTrue(answer.errors().contains("no-such refused: no such command"), answer.errors());
    assertEquals("1", answer.status());
  }

  @Test
  void aWordThatNamesNoCommandIsRefusedWhateverItsCharacters() throws Exception {
    for (String word :
        List.of(
            "wörds", "words!", "wo rds", "'words'", "$words", "words=1", "a:b*", "", ":", "1:2")) {
      Answer answer = run(word, "argument");
      assertEquals("", answer.printed(), word);
      assertTrue(
          answer.errors().contains("command " + word + " refused: no such command"),
          word + ": " + answer.errors());
      assertTrue(answer.errors().contains("[ENOSYS]"), word + ": " + answer.errors());
      assertEquals("1", answer.status(), word);
    }
  }

  @Test
  void muchOutputArrivesWhole() throws Exception {
    assertEquals(1_000_000, run("much").printed().length());
  }

  @Test
  void aClientThatGoesEndsItsCommand() throws Exception {
    SocketChannel client = asked("wait");
    assertTrue(waiting.await(30, TimeUnit.SECONDS));
    client.close();
    assertTrue(ended.await(30, TimeUnit.SECONDS));
  }

  @Test
  void whatRunsWhileTheServerClosesGoesOnToItsEnd() throws Exception {
    try (SocketChannel client = asked("let-go", "heard")) {
      assertTrue(waiting.await(30, TimeUnit.SECONDS));
      server.close();
      assertFalse(Files.exists(socket));
      goOn.countDown();
      assertEquals(new Answer("[heard]\n", "", "0"), answer(client));
    }
  }

  @Test
  void oneClientTooManyIsRefusedWithTheReason() throws Exception {
    List<SocketChannel> held = new ArrayList<>();
    try {
      for (int i = 0; i < ConsoleServer.MAXIMUM_CONNECTIONS; i++) {
        held.add(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
      }
      try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
        Answer answer = answer(client);
        assertTrue(answer.errors().contains("[EBUSY]"), answer.errors());
        assertEquals("1", answer.status());
      }
    } finally {
      for (SocketChannel client : held) {
        client.close();
      }
    }
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
  void aThreadThatCannotStartLeavesNeitherTheClientNorItsPlaceBehind() throws Exception {
    AtomicInteger failures = new AtomicInteger(ConsoleServer.MAXIMUM_CONNECTIONS);
    Path other = directory.resolve("other.sock");
    ThreadFactory threads =
        task -> {
          if (failures.getAndDecrement() > 0) {
            throw new OutOfMemoryError("unable to create native thread");
          }
          return new Thread(task);
        };
    try (ConsoleServer scarce =
        new ConsoleServer(other, new Console(sessions), List.of(directory), threads)) {
      for (int i = 0; i < ConsoleServer.MAXIMUM_CONNECTIONS; i++) {
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(other))) {
          assertEquals(new Answer("", "", null), answer(client));
        }
      }
      try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(other))) {
        DataOutputStream out = new DataOutputStream(ChannelStreams.out(client));
        Frame.of(Frame.WORD, "words").write(out);
        Frame.of(Frame.WORD, "served").write(out);
        Frame.of(Frame.RUN, "").write(out);
        assertEquals("[served]\n", answer(client).printed());
      }
    }
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
        assertEquals("[far]\n", answer(client).printed());
      }
    }
    assertFalse(Files.exists(there));
  }

  @Test
  void malformedFramesEndTheirConnectionAlone() throws Exception {
    try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      DataOutputStream out = new DataOutputStream(ChannelStreams.out(client));
      out.writeByte(Frame.WORD);
      out.writeInt(Integer.MAX_VALUE);
      assertEquals(new Answer("", "", null), answer(client));
    }
    assertEquals("[still]\n", run("words", "still").printed());
  }
}
