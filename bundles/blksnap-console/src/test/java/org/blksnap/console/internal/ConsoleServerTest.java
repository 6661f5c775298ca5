// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
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
    TestCommands commands = new TestCommands(threadIo);
    sessions = commands.sessions;
    commands.add(
        "words", (session, words) -> words.forEach(word -> System.out.println("[" + word + "]")));
    commands.add(
        "refuse",
        (session, words) -> {
          System.out.println("so far");
          throw new CommandException("\u001b[31mrefused\u001b[0m", "refused");
        });
    commands.add(
        "wait",
        (session, words) -> {
          waiting.countDown();
          try {
            new CountDownLatch(1).await();
          } finally {
            ended.countDown();
          }
        });
    commands.add(
        "let-go",
        (session, words) -> {
          waiting.countDown();
          goOn.await();
          words.forEach(word -> System.out.println("[" + word + "]"));
        });
    commands.answering("answer", (session, words) -> String.valueOf(words.get(0)));
    commands.add("much", (session, words) -> System.out.print("x".repeat(1_000_000)));
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

  private TestClient.Answer run(String... words) throws IOException {
    try (SocketChannel client = TestClient.asked(socket, words)) {
      return TestClient.answer(client);
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
    assertEquals(new TestClient.Answer("so far\n", "refused\n", "1"), run("refuse"));
  }

  @Test
  void aTextThatACommandAnswersIsPrinted() throws Exception {
    assertEquals(new TestClient.Answer("done\n", "", "0"), run("answer", "done"));
  }

  @Test
  void anUnknownCommandIsRefusedByName() throws Exception {
    TestClient.Answer answer = run("no-such");
    assertEquals("", answer.printed());
    assertTrue(answer.errors().contains("no-such refused: no such command"), answer.errors());
    assertEquals("1", answer.status());
  }

  @Test
  void aWordThatNamesNoCommandIsRefusedWhateverItsCharacters() throws Exception {
    for (String word :
        List.of(
            "wörds", "words!", "wo rds", "'words'", "$words", "words=1", "a:b*", "", ":", "1:2")) {
      TestClient.Answer answer = run(word, "argument");
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
    SocketChannel client = TestClient.asked(socket, "wait");
    assertTrue(waiting.await(30, TimeUnit.SECONDS));
    client.close();
    assertTrue(ended.await(30, TimeUnit.SECONDS));
  }

  @Test
  void whatRunsWhileTheServerClosesGoesOnToItsEnd() throws Exception {
    try (SocketChannel client = TestClient.asked(socket, "let-go", "heard")) {
      assertTrue(waiting.await(30, TimeUnit.SECONDS));
      server.close();
      assertFalse(Files.exists(socket));
      goOn.countDown();
      assertEquals(new TestClient.Answer("[heard]\n", "", "0"), TestClient.answer(client));
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
        TestClient.Answer answer = TestClient.answer(client);
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
          assertEquals(new TestClient.Answer("", "", null), TestClient.answer(client));
        }
      }
      try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(other))) {
        DataOutputStream out = new DataOutputStream(ChannelStreams.out(client));
        Frame.of(Frame.WORD, "words").write(out);
        Frame.of(Frame.WORD, "served").write(out);
        Frame.of(Frame.RUN, "").write(out);
        assertEquals("[served]\n", TestClient.answer(client).printed());
      }
    }
  }

  @Test
  void malformedFramesEndTheirConnectionAlone() throws Exception {
    try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      DataOutputStream out = new DataOutputStream(ChannelStreams.out(client));
      out.writeByte(Frame.WORD);
      out.writeInt(Integer.MAX_VALUE);
      assertEquals(new TestClient.Answer("", "", null), TestClient.answer(client));
    }
    assertEquals("[still]\n", run("words", "still").printed());
  }
}
