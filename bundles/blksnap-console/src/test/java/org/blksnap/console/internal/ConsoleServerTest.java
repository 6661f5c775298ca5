// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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

  @AfterEach
  void close() {
    server.close();
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
