// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two things go wrong at once: what one of them took away must not come back as though nothing had
 * been.
 */
class DoubleFaultsTest {
  private static final int MIB = 1 << 20;
  private static final long WRITTEN_AT = 4L * MIB;
  private static final Duration SOON = Duration.ofSeconds(1);

  @TempDir Path root;
  private EngineSubject subject;
  private Path file;
  private Path store;
  private UUID snapshot;
  private CbtInfo taken;

  @BeforeEach
  void take() throws Exception {
    subject = EngineSubject.withHotState(root);
    file = subject.directory().resolve("disk");
    byte[] ones = new byte[8 * MIB];
    Arrays.fill(ones, (byte) 1);
    Files.write(file, ones);
    store = Files.createDirectory(root.resolve("store"));
    subject.service().attach(AttachRequest.of(file).named("d"));
    Snapshot made = subject.service().create();
    made.addDevice("d");
    made.appendStorageDirectory(store, 1L << 30);
    made.take();
    snapshot = made.id();
    taken = device().changes().info();
    write(2, 0);
  }

  private AttachedDevice device() {
    return subject.service().device("d").orElseThrow();
  }

  private void write(int value, long offset) throws IOException {
    device().write(filled(value), offset, IoFlags.NONE);
  }

  private static ByteBuffer filled(int value) {
    byte[] bytes = new byte[MIB];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private void foreignWrite() throws IOException {
    try (FileChannel others = FileChannel.open(file, StandardOpenOption.WRITE)) {
      others.write(filled(9), WRITTEN_AT);
    }
  }

  private Errno imageError() throws IOException {
    return subject.service().snapshot(snapshot).info().get(0).error();
  }

  /** Where the next map keeps the generation it names what was written, or it began anew. */
  private void assertTheNextIncrementHasTheWrite() throws IOException {
    subject.service().destroy(snapshot);
    Snapshot next = subject.service().create();
    next.addDevice("d");
    next.appendStorageMemory(16 * MIB);
    next.take();
    assertTrue(
        device().changes().changedSince(taken.point()).extents(0, Integer.MAX_VALUE).stream()
            .anyMatch(range -> range.offset() <= WRITTEN_AT && range.end() >= WRITTEN_AT + MIB));
  }

  /** What is in the way of a file that is to be made. */
  private static Path inTheWayOf(Path made) throws IOException {
    Files.createDirectories(made.resolve("x"));
    return made;
  }

  private static void outOfTheWay(Path made) throws IOException {
    Files.delete(made.resolve("x"));
    Files.delete(made);
  }

  @ParameterizedTest
  @ValueSource(strings = {"kill", "update", "stop"})
  void anImageWhoseStorageWasMissingAtAStartStaysLost(String next) throws Exception {
    Path away = root.resolve("store.away");
    subject.restartAsKilled(() -> Files.move(store, away));
    assertNotEquals(Errno.OK, imageError());
    write(3, WRITTEN_AT);
    switch (next) {
      case "kill" -> subject.restartAsKilled(() -> Files.move(away, store));
      case "update" -> subject.restartToSuccessor(() -> Files.move(away, store));
      default -> subject.restart(() -> Files.move(away, store));
    }
    assertNotEquals(Errno.OK, imageError());
  }

  @Test
  void storageForASnapshotThatLostItsOwnIsRefusedWithTheTrueReason() throws Exception {
    subject.restartAsKilled(() -> Files.move(store, root.resolve("store.away")));
    BlksnapException refused =
        assertThrows(
            BlksnapException.class,
            () -> subject.engine().snapshots().get(0).appendStorageMemory(1 << 20));
    assertEquals(Errno.ESHUTDOWN, refused.errno());
    assertTrue(refused.getMessage().contains("cannot be taken up again"), refused.getMessage());
    assertTrue(refused.getMessage().contains("destroy it"), refused.getMessage());
  }

  @Test
  void aForeignWriteDuringASwapIsNamedAlsoWhereANewMapHasNoRoom() throws Exception {
    Path map =
        inTheWayOf(
            subject
                .engine()
                .desk()
                .hot()
                .of(subject.engine().desk().state().device("d"))
                .resolve("cbt.map.new"));
    subject.swapDevices(
        () -> {
          try {
            foreignWrite();
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
    outOfTheWay(map);
    assertTheNextIncrementHasTheWrite();
  }

  @Test
  void aDeviceThatWasAwayForTooLongLosesItsImageAlsoWhereANewMapHasNoRoom() throws Exception {
    subject.waits(SOON, SOON);
    subject.takeAway("DEVICE");
    awaitCondition("away");
    foreignWrite();
    Path map =
        inTheWayOf(
            subject
                .engine()
                .desk()
                .hot()
                .of(subject.engine().desk().state().device("d"))
                .resolve("cbt.map.new"));
    subject.bringBack("DEVICE");
    outOfTheWay(map);
    assertNotEquals(Errno.OK, imageError());
    assertTheNextIncrementHasTheWrite();
  }

  @ParameterizedTest
  @ValueSource(strings = {"kill", "update"})
  void anImageGivenUpIsNotBelievedWhereItsRecordCouldNotBeWritten(String next) throws Exception {
    subject.waits(SOON, SOON);
    Path made =
        inTheWayOf(
            subject.engine().desk().state().snapshot(snapshot).resolve("snapshot.record.new"));
    subject.takeAway("CHUNK");
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (imageError() == Errno.OK) {
      assertTrue(System.nanoTime() < deadline, "the image is not given up");
      Thread.sleep(20);
    }
    write(3, WRITTEN_AT);
    if (next.equals("kill")) {
      subject.restartAsKilled(() -> outOfTheWay(made));
    } else {
      subject.restartToSuccessor(() -> outOfTheWay(made));
    }
    assertNotEquals(Errno.OK, imageError());
  }

  @ParameterizedTest
  @ValueSource(strings = {"TRACKER DEVICE", "DEVICE TRACKER"})
  void writesAreTrackedAgainInWhicheverOrderTwoBundlesComeBack(String order) throws Exception {
    subject.takeAway("TRACKER");
    subject.takeAway("DEVICE");
    for (String room : order.split(" ")) {
      subject.bringBack(room);
    }
    assertEquals("ok", device().conditionDetail());
    write(3, WRITTEN_AT);
    assertTheNextIncrementHasTheWrite();
    assertEquals(taken.generationId(), device().changes().info().generationId());
  }

  private void awaitCondition(String word) throws InterruptedException {
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (!device().conditionDetail().contains(word)) {
      assertTrue(System.nanoTime() < deadline, device().conditionDetail());
      Thread.sleep(20);
    }
    assertEquals("d", device().name());
  }
}
