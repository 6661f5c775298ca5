// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal;

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
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.support.CommandException;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class SnapshotCommandsTest {
  @TempDir Path directory;
  private TestShell shell;

  @BeforeEach
  void open() throws Exception {
    shell = new TestShell(directory);
    shell.attach(Files.createFile(directory.resolve("disk")));
    shell.attach(Files.createFile(directory.resolve("log")));
  }

  @AfterEach
  void close() {
    shell.close();
  }

  private FakeSnapshot create() throws Exception {
    shell.run("blksnap:snapshot-create");
    return last();
  }

  private FakeSnapshot last() {
    List<FakeSnapshot> all = List.copyOf(shell.engine.snapshots.values());
    return all.get(all.size() - 1);
  }

  @Test
  void whatWasTakenSaysWhereItIsServed() throws Exception {
    JsonObject taken = shell.json("blksnap:snapshot disk log").getAsJsonObject();
    List<String> uris =
        taken.get("uris").getAsJsonArray().asList().stream().map(u -> u.getAsString()).toList();
    List<String> images =
        taken.get("images").getAsJsonArray().asList().stream()
            .map(i -> "nbd+unix:///" + i.getAsString())
            .toList();
    assertEquals(2, images.size());
    assertEquals(images, uris);
  }

  @Test
  void createPrintsTheIdAlone() throws Exception {
    String id = shell.run("blksnap:snapshot-create").trim();
    assertEquals(last().id().toString(), id);
  }

  @Test
  void createPrintsTheIdAsJson() throws Exception {
    JsonObject created = shell.json("blksnap:snapshot-create").getAsJsonObject();
    assertEquals(last().id().toString(), created.get("id").getAsString());
  }

  @Test
  void stepsOneByOneTakeASnapshot() throws Exception {
    FakeSnapshot snapshot = create();
    shell.run("blksnap:snapshot-add " + snapshot.id() + " disk log");
    shell.run("blksnap:snapshot-append-storage --memory 1M " + snapshot.id());
    JsonObject taken = shell.json("blksnap:snapshot-take " + snapshot.id()).getAsJsonObject();
    assertEquals(List.of("disk", "log"), snapshot.devices());
    assertEquals(2, taken.get("images").getAsJsonArray().size());
    assertTrue(taken.get("crash_consistent").getAsBoolean());
    assertEquals("mysql was late", taken.get("warnings").getAsJsonArray().get(0).getAsString());
    assertEquals(250_000, taken.get("held_ns").getAsLong());
  }

  @Test
  void beginningOfAnIdIsEnoughWhereItIsTheOnlyOne() throws Exception {
    FakeSnapshot first = create();
    create();
    shell.run("blksnap:snapshot-add " + first.id().toString().substring(0, 4) + " disk");
    assertEquals(List.of("disk"), first.devices());
    assertTrue(shell.refused("blksnap:snapshot-add 1 disk").contains("2 snapshots begin so"));
  }

  @Test
  void unknownSnapshotIsEsrch() {
    assertTrue(shell.refused("blksnap:snapshot-take beef").endsWith("[ESRCH]"));
    assertTrue(shell.refused("blksnap:snapshot-info beef").endsWith("[ESRCH]"));
  }

  @Test
  void deviceAddedTwiceIsRefused() throws Exception {
    FakeSnapshot snapshot = create();
    assertTrue(
        shell
            .refused("blksnap:snapshot-add " + snapshot.id() + " disk disk")
            .endsWith("[EALREADY]"));
  }

  @Test
  void messageOfSeveralLinesBecomesOne() throws Exception {
    FakeSnapshot snapshot = create();
    String line = shell.refused("blksnap:snapshot-take " + snapshot.id());
    assertEquals(1, line.lines().count());
    assertTrue(line.endsWith("no storage; give some first [EFAULT]"), line);
  }

  @Test
  void storageIsAPathWithRangesADirectoryOrMemory() throws Exception {
    FakeSnapshot snapshot = create();
    String append = "blksnap:snapshot-append-storage ";
    shell.run(append + snapshot.id() + " /dev/x 0:1M 4096s:8s");
    shell.run(append + "--directory /var/d --limit 2G " + snapshot.id());
    shell.run(append + snapshot.id() + " --memory 64M");
    assertEquals(
        List.of(
            "path /dev/x [ByteRange[offset=0, length=1048576],"
                + " ByteRange[offset=2097152, length=4096]]",
            "directory /var/d 2147483648",
            "memory 67108864"),
        snapshot.given);
  }

  @Test
  void storageWithALimitAloneGrowsUnderTheStateDirectory() throws Exception {
    FakeSnapshot snapshot = create();
    shell.run("blksnap:snapshot-append-storage " + snapshot.id() + " --limit 1G");
    Path place = DefaultStorage.below(shell.engines.stateDirectory());
    assertEquals(List.of("directory " + place + " 1073741824"), snapshot.given);
    assertTrue(Files.isDirectory(place));
  }

  @Test
  void storageWithoutAPlaceOrWithTwoIsRefused() throws Exception {
    FakeSnapshot snapshot = create();
    String append = "blksnap:snapshot-append-storage ";
    for (String wrong :
        List.of(
            "",
            "--memory 1M --directory /x --limit 1G ",
            "--directory /x ",
            "--memory 1M --limit 1G ")) {
      assertTrue(shell.refused(append + wrong + snapshot.id()).endsWith("[EINVAL]"), wrong);
    }
    assertEquals(List.of(), snapshot.given);
  }

  @Test
  void infoNamesStorageAndImages() throws Exception {
    shell.run("blksnap:snapshot --memory 1M disk");
    JsonObject info = shell.json("blksnap:snapshot-info " + last().id()).getAsJsonObject();
    assertEquals(1 << 20, info.get("storage_capacity").getAsLong());
    JsonObject image = info.get("images").getAsJsonArray().get(0).getAsJsonObject();
    assertEquals("blksnap-image_7:0", image.get("image").getAsString());
    assertEquals(4096, image.get("saved_bytes").getAsLong());
    assertEquals(0, image.get("error_code").getAsInt());
    String table = shell.run("blksnap:snapshot-info " + last().id());
    assertTrue(table.contains("storage parts") && table.contains("saved chunks"), table);
  }

  @Test
  void eventIsPrintedInBytesWithItsTime() throws Exception {
    FakeSnapshot snapshot = create();
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
    FakeSnapshot snapshot = create();
    snapshot.events.add(new BlksnapEvent.Destroyed(Instant.EPOCH, "userspace", snapshot.id()));
    snapshot.events.add(low(snapshot, 2048));
    assertTrue(
        shell.run("blksnap:snapshot-wait-event " + snapshot.id()).contains("low_free_space"));
  }

  @Test
  void noEventInTimeIsEnoent() throws Exception {
    FakeSnapshot snapshot = create();
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
    command.snapshot = create().id().toString();
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
    FakeSnapshot snapshot = create();
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
    FakeSnapshot snapshot = create();
    snapshot.events.add(low(snapshot, 2048));
    SnapshotWaitEventCommand command = new SnapshotWaitEventCommand();
    command.engines = shell.engines;
    command.snapshot = snapshot.id().toString();
    command.session = sessionWithClient(new AtomicBoolean(true));
    assertThrows(CommandException.class, command::execute);
    assertEquals(1, snapshot.events.size());
  }

  @Test
  void eventThatWasPrintedToNobodyIsLeftToOthers() throws Exception {
    FakeSnapshot snapshot = create();
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
  void waitOfSeveralSlicesNamesTheWholeTime() throws Exception {
    FakeSnapshot snapshot = create();
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
            SnapshotCommandsTest.class.getClassLoader(),
            new Class<?>[] {Session.class},
            (proxy, method, arguments) -> method.getName().equals("getConsole") ? console : null);
  }

  @Test
  void sizeOfNothingIsRefusedAndNotTakenForTheDefault() throws Exception {
    assertEquals(
        "--memory 0 refused: allowed are sizes above 0 [EINVAL]",
        shell.refused("blksnap:snapshot --memory 0 disk"));
    assertEquals(
        "--limit 0K refused: allowed are sizes above 0 [EINVAL]",
        shell.refused("blksnap:snapshot --limit 0K disk"));
    assertTrue(shell.engine.snapshots.isEmpty());
    FakeSnapshot snapshot = create();
    String append = "blksnap:snapshot-append-storage " + snapshot.id();
    assertTrue(shell.refused(append + " --memory 0").endsWith("[EINVAL]"));
    assertTrue(shell.refused(append + " --directory /var/d --limit 0").endsWith("[EINVAL]"));
    assertEquals(List.of(), snapshot.given);
  }

  @Test
  void destroyTakesIdsOrAll() throws Exception {
    FakeSnapshot first = create();
    create();
    create();
    shell.run("blksnap:snapshot-destroy " + first.id());
    assertEquals(2, shell.engine.snapshots.size());
    shell.run("blksnap:snapshot-destroy --all");
    assertEquals(0, shell.engine.snapshots.size());
    assertEquals("", shell.run("blksnap:snapshot-destroy --all"));
  }

  @Test
  void destroyOfAnUnknownSnapshotIsEnodevAndOtherCommandsSayEsrch() throws Exception {
    UUID unknown = UUID.randomUUID();
    assertTrue(shell.refused("blksnap:snapshot-destroy " + unknown).endsWith("[ENODEV]"));
    assertTrue(shell.refused("blksnap:snapshot-take " + unknown).endsWith("[ESRCH]"));
  }

  @Test
  void destroyNeedsExactlyOneOfIdsAndAll() throws Exception {
    FakeSnapshot first = create();
    assertTrue(shell.refused("blksnap:snapshot-destroy").endsWith("[EINVAL]"));
    assertTrue(shell.refused("blksnap:snapshot-destroy --all " + first.id()).endsWith("[EINVAL]"));
    assertEquals(1, shell.engine.snapshots.size());
  }

  @Test
  void destroyGoesOnAfterAFailureAndTellsIt() throws Exception {
    FakeSnapshot stuck = create();
    create();
    stuck.destroyFailure = new BlksnapException(Errno.EBUSY, "an image is open");
    assertEquals("an image is open [EBUSY]", shell.refused("blksnap:snapshot-destroy --all"));
    assertEquals(List.of(stuck.id()), shell.engine.collect());
  }

  @Test
  void snapshotDoesAllStepsWithStorageUnderTheStateDirectory() throws Exception {
    JsonObject taken = shell.json("blksnap:snapshot disk log").getAsJsonObject();
    assertEquals(last().id().toString(), taken.get("id").getAsString());
    assertEquals(List.of("disk", "log"), last().devices());
    assertEquals(1, last().given.size());
    String given = last().given.get(0);
    assertTrue(given.startsWith("directory " + directory.resolve("diff") + " "), given);
    long limit = Long.parseLong(given.substring(given.lastIndexOf(' ') + 1));
    assertTrue(limit > 0 && limit <= WholeSnapshot.LEAST_LIMIT, given);
    assertTrue(Files.isDirectory(directory.resolve("diff")));
  }

  @Test
  void snapshotTakesAPlaceOfOnesChoice() throws Exception {
    shell.run("blksnap:snapshot --directory " + directory + " --limit 8G disk");
    assertEquals(List.of("directory " + directory + " " + (8L << 30)), last().given);
    shell.run("blksnap:snapshot --storage /dev/x log");
    assertEquals(List.of("path /dev/x []"), last().given);
    assertTrue(
        shell.refused("blksnap:snapshot --storage /dev/x --memory 1M disk").endsWith("[EINVAL]"));
    assertTrue(shell.refused("blksnap:snapshot --memory 1M --limit 1M disk").endsWith("[EINVAL]"));
    assertEquals(2, shell.engine.snapshots.size());
  }

  @Test
  void snapshotThatFailsLeavesNothingBehind() throws Exception {
    shell.engine.takeFailure = new BlksnapException(Errno.EIO, "the storage failed");
    assertEquals("the storage failed [EIO]", shell.refused("blksnap:snapshot disk"));
    assertTrue(shell.refused("blksnap:snapshot disk disk").endsWith("[EALREADY]"));
    assertTrue(shell.refused("blksnap:snapshot disk nothing").endsWith("[ENODEV]"));
    assertTrue(shell.engine.snapshots.isEmpty());
  }

  @Test
  void snapshotThatEndsWithAnErrorLeavesNothingBehind() throws Exception {
    shell.engine.takeError = new NoClassDefFoundError("thrown by the test");
    WholeSnapshot whole = new WholeSnapshot(shell.engines.stateDirectory());
    whole.inMemory(1 << 20);
    assertThrows(
        NoClassDefFoundError.class,
        () -> whole.take(new Locator(shell.engines, null), List.of("disk")));
    assertTrue(shell.engine.snapshots.isEmpty());
  }

  @Test
  void failureToUndoIsToldWithTheFirstError() throws Exception {
    FakeSnapshot snapshot = new FakeSnapshot(shell.engine, UUID.randomUUID());
    snapshot.destroyFailure = new BlksnapException(Errno.EBUSY, "still open");
    shell.engine.next = snapshot;
    shell.engine.takeFailure = new BlksnapException(Errno.EIO, "the storage failed");
    String line = shell.refused("blksnap:snapshot disk");
    assertTrue(line.startsWith("the storage failed; undoing it failed as well (still open)"), line);
    assertTrue(line.endsWith("[EIO]"), line);
  }
}
