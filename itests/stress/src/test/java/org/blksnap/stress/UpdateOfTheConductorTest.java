// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.testkit.CallPlan;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an engine leaves to its successor, and what the successor makes of it. */
@Timeout(60)
class UpdateOfTheConductorTest {
  private static final int SIZE = 4 << 20;
  private static final int PIECE = 64 << 10;

  @TempDir Path directory;
  private EngineSubject subject;
  private Path file;

  @BeforeEach
  void start() throws IOException {
    subject = EngineSubject.withHotState(directory.resolve("engine"));
    file = subject.directory().resolve("dev");
    byte[] old = new byte[SIZE];
    Arrays.fill(old, (byte) 1);
    Files.write(file, old);
    subject.service().attach(AttachRequest.of(file).named("dev"));
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
  }

  private AttachedDevice device() {
    return subject.service().device("dev").orElseThrow();
  }

  private UUID taken() throws IOException {
    Snapshot snapshot = subject.service().create();
    snapshot.addDevice("dev");
    snapshot.appendStorageDirectory(Files.createDirectories(directory.resolve("diff")), 64 << 20);
    snapshot.take();
    return snapshot.id();
  }

  private void write(int offset, int value) throws IOException {
    byte[] piece = new byte[PIECE];
    Arrays.fill(piece, (byte) value);
    device().write(ByteBuffer.wrap(piece), offset);
  }

  private static byte[] content(SnapshotImage image) throws IOException {
    ByteBuffer all = ByteBuffer.allocate(SIZE);
    image.read(all, 0);
    return all.array();
  }

  @Test
  void aHeldSnapshotStaysExact() throws Exception {
    UUID id = taken();
    write(0, 2);
    subject.restartToSuccessor(() -> {});
    write(PIECE, 3);
    byte[] wanted = new byte[SIZE];
    Arrays.fill(wanted, (byte) 1);
    SnapshotImage image = subject.service().snapshot(id).images().get(0);
    assertEquals(Errno.OK, image.error());
    assertArrayEquals(wanted, content(image));
  }

  @Test
  void theChangeMapGoesOn() throws Exception {
    subject.service().destroy(taken());
    CbtInfo before = device().changes().info();
    write(0, 2);
    subject.restartToSuccessor(() -> {});
    write(2 * PIECE, 3);
    subject.service().destroy(taken());
    CbtInfo after = device().changes().info();
    assertEquals(before.generationId(), after.generationId());
    assertEquals(2L * PIECE, device().changes().changedSince(before.point()).bytes());
  }

  @Test
  void aDeviceAttachedForThisRunAloneIsThereAgain() throws Exception {
    Path other = Files.write(subject.directory().resolve("other"), new byte[SIZE]);
    subject.service().attach(AttachRequest.of(other).named("once").persistent(false));
    subject.restartToSuccessor(() -> {});
    assertTrue(subject.service().device("once").isPresent());
  }

  @Test
  void aChangeWhileNobodyWasThereIsFound() throws Exception {
    UUID id = taken();
    CbtInfo before = device().changes().info();
    subject.restartToSuccessor(() -> Files.write(file, new byte[SIZE]));
    CbtInfo after = device().changes().info();
    assertNotEquals(before.generationId(), after.generationId());
    assertEquals(GenerationReason.CHANGED_WHILE_DETACHED, after.reason());
    assertEquals(Errno.EIO, subject.service().snapshot(id).images().get(0).error());
  }

  @Test
  void whatIsAttachedLaterIsStillJudgedByHowItWasLeft() throws Exception {
    CbtInfo before = device().changes().info();
    Path aside = subject.directory().resolve("aside");
    subject.restartToSuccessor(() -> Files.move(file, aside));
    assertTrue(subject.service().device("dev").isEmpty());
    Files.move(aside, file);
    subject.service().attach(AttachRequest.of(file).named("dev"));
    CbtInfo after = device().changes().info();
    assertNotEquals(before.generationId(), after.generationId(), "a rename changes its ctime");
    assertEquals(GenerationReason.CHANGED_WHILE_DETACHED, after.reason());
  }

  @Test
  void nothingIsForcedWhileClientsWait() throws Exception {
    taken();
    write(0, 2);
    CallPlan plan = subject.plan();
    plan.reset();
    subject.restartToSuccessor(() -> {});
    assertEquals(
        List.of(),
        plan.counts().keySet().stream()
            .filter(call -> call.endsWith(".flush") || call.equals("Tracker.close"))
            .toList());
  }
}
