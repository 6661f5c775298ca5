// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.support.CommandException;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.shell.internal.lookup.FakeSnapshot;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class SnapshotWaitEventTest {
  @TempDir Path directory;
  private TestShell shell;

  @BeforeEach
  void open() throws Exception {
    shell = new TestShell();
    shell.attach(Files.createFile(directory.resolve("disk")));
    shell.attach(Files.createFile(directory.resolve("log")));
  }

  @AfterEach
  void close() {
    shell.close();
  }

  @Test
  void eventIsPrintedInBytesWithItsTime() throws Exception {
    FakeSnapshot snapshot = shell.create();
    snapshot.events.add(low(snapshot, 2048));
    snapshot.events.add(
        new BlksnapEvent.Corrupted(
            Instant.EPOCH,
            "userspace",
            snapshot.id(),
            "disk",
            7,
            1,
            Errno.ENOSPC,
            "no range left"));
    JsonObject low = shell.json("blksnap:snapshot-wait-event " + snapshot.id()).getAsJsonObject();
    assertEquals(0, low.get("code").getAsInt());
    assertEquals(2048, low.get("requested_bytes").getAsLong());
    assertEquals("1970-01-01T00:00:07Z", low.get("time").getAsString());
    assertEquals("userspace", low.get("engine").getAsString());
    String lost = shell.run("blksnap:snapshot-wait-event " + snapshot.id());
    assertTrue(lost.contains("corrupted") && lost.contains("28"), lost);
  }

  private static BlksnapEvent.LowFreeSpace low(FakeSnapshot snapshot, long bytes) {
    return new BlksnapEvent.LowFreeSpace(
        Instant.ofEpochSecond(7), "userspace", snapshot.id(), bytes);
  }

  @Test
  void eventOfAnotherKindIsPassedOver() throws Exception {
    FakeSnapshot snapshot = shell.create();
    snapshot.events.add(new BlksnapEvent.Destroyed(Instant.EPOCH, "userspace", snapshot.id()));
    snapshot.events.add(low(snapshot, 2048));
    assertTrue(
        shell.run("blksnap:snapshot-wait-event " + snapshot.id()).contains("low_free_space"));
  }

  @Test
  void eventThatWasPrintedToNobodyIsLeftToOthers() throws Exception {
    FakeSnapshot snapshot = shell.create();
    snapshot.events.add(low(snapshot, 2048));
    AtomicBoolean gone = new AtomicBoolean();
    SnapshotWaitEventCommand command = new SnapshotWaitEventCommand();
    command.engines = shell.engines;
    command.snapshot = snapshot.id().toString();
    command.session = sessionWithClient(gone);
    PrintStream dying =
        new PrintStream(
            new OutputStream() {
              @Override
              public void write(int value) {
                gone.set(true);
              }
            });
    assertThrows(BlksnapException.class, () -> command.run(dying));
    assertEquals(1, snapshot.events.size());
    assertEquals(1, snapshot.subscriptionsClosed);
  }

  @Test
  void noEventInTimeIsEnoent() throws Exception {
    FakeSnapshot snapshot = shell.create();
    assertTrue(
        shell
            .refused("blksnap:snapshot-wait-event --timeout 20ms " + snapshot.id())
            .endsWith("[ENOENT]"));
  }

  @Test
  @Timeout(30)
  void interruptEndsTheWaitWithEintr() throws Exception {
    SnapshotWaitEventCommand command = new SnapshotWaitEventCommand();
    command.engines = shell.engines;
    command.snapshot = shell.create().id().toString();
    command.timeout = "1h";
    command.session = shell.session;
    FutureTask<Object> task = new FutureTask<>(command::execute);
    Thread waiter = new Thread(task);
    waiter.start();
    while (waiter.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    waiter.interrupt();
    Throwable refusal =
        assertThrows(ExecutionException.class, () -> task.get(10, TimeUnit.SECONDS)).getCause();
    assertTrue(refusal.getMessage().endsWith("[EINTR]"), refusal.getMessage());
  }

  @Test
  @Timeout(30)
  void eventIsLeftToOthersOnceTheClientIsGone() throws Exception {
    FakeSnapshot snapshot = shell.create();
    AtomicBoolean gone = new AtomicBoolean();
    SnapshotWaitEventCommand command = new SnapshotWaitEventCommand();
    command.engines = shell.engines;
    command.snapshot = snapshot.id().toString();
    command.timeout = "1h";
    command.session = sessionWithClient(gone);
    FutureTask<Object> task = new FutureTask<>(command::execute);
    Thread waiter = new Thread(task);
    waiter.start();
    while (waiter.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    gone.set(true);
    Throwable refusal =
        assertThrows(ExecutionException.class, () -> task.get(10, TimeUnit.SECONDS)).getCause();
    assertTrue(refusal.getMessage().endsWith("[EINTR]"), refusal.getMessage());
    snapshot.events.add(low(snapshot, 2048));
    assertTrue(
        shell.run("blksnap:snapshot-wait-event " + snapshot.id()).contains("2 KiB"),
        "the next to wait has it");
  }

  @Test
  void clientThatIsGoneTakesNoEventThatIsThere() throws Exception {
    FakeSnapshot snapshot = shell.create();
    snapshot.events.add(low(snapshot, 2048));
    SnapshotWaitEventCommand command = new SnapshotWaitEventCommand();
    command.engines = shell.engines;
    command.snapshot = snapshot.id().toString();
    command.session = sessionWithClient(new AtomicBoolean(true));
    assertThrows(CommandException.class, command::execute);
    assertEquals(1, snapshot.events.size());
  }

  @Test
  void waitOfSeveralSlicesNamesTheWholeTime() throws Exception {
    FakeSnapshot snapshot = shell.create();
    long whole = 2 * SnapshotWaitEventCommand.SLICE.toMillis() + 10;
    assertEquals(
        "no event of snapshot " + snapshot.id() + " within " + whole + " ms [ENOENT]",
        shell.refused("blksnap:snapshot-wait-event --timeout " + whole + "ms " + snapshot.id()));
  }

  /** A session whose output fails as soon as its client is gone. */
  private static Session sessionWithClient(AtomicBoolean gone) {
    PrintStream console =
        new PrintStream(
            new OutputStream() {
              @Override
              public void write(int value) {
                // Nobody reads it.
              }

              @Override
              public void flush() throws IOException {
                if (gone.get()) {
                  throw new IOException("closed");
                }
              }
            });
    return (Session)
        Proxy.newProxyInstance(
            SnapshotWaitEventTest.class.getClassLoader(),
            new Class<?>[] {Session.class},
            (proxy, method, arguments) -> method.getName().equals("getConsole") ? console : null);
  }
}
