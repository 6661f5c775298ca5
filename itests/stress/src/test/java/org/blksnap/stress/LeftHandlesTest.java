// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StorageGrant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What a bundle still holds of an engine that was updated touches nothing of the successor's. */
@Timeout(120)
class LeftHandlesTest {
  private static final int SIZE = 4 << 20;

  @TempDir Path directory;
  private EngineSubject subject;
  private byte written;

  @BeforeEach
  void start() throws Exception {
    subject = new EngineSubject(directory.resolve("engine"));
    for (String name : List.of("dev", "other")) {
      Path file = Files.write(subject.directory().resolve(name), new byte[SIZE]);
      subject.service().attach(AttachRequest.of(file).named(name));
    }
  }

  @AfterEach
  void stop() throws Exception {
    subject.close();
  }

  private SnapshotRequest request() throws Exception {
    Path diff = Files.createDirectories(directory.resolve("diff"));
    return SnapshotRequest.of("dev").on(StorageGrant.directory(diff, 64 << 20));
  }

  private static Errno errno(Executable call) {
    return assertThrows(BlksnapException.class, call).errno();
  }

  private void write() throws Exception {
    subject
        .service()
        .device("dev")
        .orElseThrow()
        .write(ByteBuffer.wrap(new byte[] {++written, 2, 3}), 0, IoFlags.NONE);
  }

  private byte[] image(UUID id) throws Exception {
    SnapshotImage image = subject.service().snapshot(id).image("dev");
    ByteBuffer bytes = ByteBuffer.allocate(SIZE);
    image.read(bytes, 0);
    return bytes.array();
  }

  @Test
  void aLeaseThatIsClosedAfterAnUpdateDestroysNothingOfTheSuccessors() throws Exception {
    for (int i = 0; i < 2; i++) {
      SnapshotLease lease = subject.service().take(request());
      UUID id = lease.snapshot().id();
      SnapshotService old = subject.service();
      byte[] before = image(id);
      write();
      subject.restartToSuccessor(() -> {});
      assertEquals(Errno.ESHUTDOWN, errno(lease::close));
      assertEquals(Errno.ESHUTDOWN, errno(() -> old.destroy(id)));
      assertArrayEquals(before, image(id));
      subject.restartToSuccessor(() -> {});
      assertArrayEquals(before, image(id));
      subject.service().destroy(id);
      assertEquals(List.of(), subject.service().collect());
    }
  }

  @Test
  void aSnapshotThatIsNotTakenYetIsNotChangedThroughAnOldEngine() throws Exception {
    Snapshot snapshot = subject.service().create(request());
    Path diff = Files.createDirectories(directory.resolve("more"));
    subject.restartToSuccessor(() -> {});
    assertEquals(Errno.ESHUTDOWN, errno(() -> snapshot.addDevice("other")));
    assertEquals(
        Errno.ESHUTDOWN, errno(() -> snapshot.give(StorageGrant.directory(diff, 1 << 20))));
    assertEquals(Errno.ESHUTDOWN, errno(() -> snapshot.appendStorageMemory(1 << 20)));
    assertEquals(Errno.ESHUTDOWN, errno(snapshot::take));
    Snapshot now = subject.service().snapshot(snapshot.id());
    assertEquals(List.of("dev"), now.devices());
    now.take();
    write();
    assertArrayEquals(new byte[SIZE], image(now.id()));
  }

  @Test
  void whatWasDestroyedBeforeStaysDestroyedQuietly() throws Exception {
    SnapshotLease lease = subject.service().take(request());
    lease.close();
    subject.restartToSuccessor(() -> {});
    lease.close();
    assertEquals(Errno.ESRCH, errno(lease.snapshot()::take));
  }
}
