// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
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

/** What one slow request, or one room that is away, costs the others. */
@Timeout(120)
class SlowRequestsTest {
  private static final int SIZE = 1 << 20;
  private static final Duration SHORT = Duration.ofMillis(200);
  private static final Duration LONG = Duration.ofSeconds(60);

  @TempDir Path directory;
  private EngineSubject subject;

  @BeforeEach
  void start() throws IOException {
    subject = new EngineSubject(directory.resolve("engine"));
    subject.waits(SHORT, LONG);
    for (String name : List.of("dev1", "dev2", "dev3")) {
      byte[] old = new byte[SIZE];
      Arrays.fill(old, (byte) 1);
      Path file = Files.write(subject.directory().resolve(name), old);
      subject.service().attach(AttachRequest.of(file).named(name));
    }
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
  }

  private AttachedDevice device(String name) {
    return subject.service().device(name).orElseThrow();
  }

  private Snapshot taken(String name) throws IOException {
    Snapshot snapshot = subject.service().create();
    snapshot.addDevice(name);
    snapshot.appendStorageMemory(SIZE);
    snapshot.take();
    return snapshot;
  }

  private static <T> FutureTask<T> begin(Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread thread = new Thread(task, "request");
    thread.setDaemon(true);
    thread.start();
    return task;
  }

  private Callable<byte[]> read(String name) {
    return () -> {
      ByteBuffer all = ByteBuffer.allocate(SIZE);
      device(name).read(all, 0);
      return all.array();
    };
  }

  @Test
  void aSwapOfTheDeviceBundleFailsNoRequestButTheSlowOne() throws Exception {
    CallPlan.Held slow = subject.plan().hold("RawDevice.read");
    FutureTask<byte[]> old = begin(read("dev1"));
    slow.awaitArrival();
    subject.takeAway("DEVICE");
    FutureTask<byte[]> same = begin(read("dev1"));
    FutureTask<byte[]> other = begin(read("dev2"));
    Thread.sleep(10);
    assertFalse(same.isDone(), "it waits for the successor");
    subject.bringBack("DEVICE");
    assertEquals(1, same.get()[0]);
    assertEquals(1, other.get()[0]);
    slow.release();
    try {
      assertEquals(1, old.get()[0]);
    } catch (ExecutionException e) {
      assertTrue(e.getCause() instanceof IOException, String.valueOf(e.getCause()));
    }
    assertEquals("ok", device("dev1").conditionDetail());
    taken("dev1");
  }

  /** The bound counts once for all devices; each slow one had one of its own. */
  @Test
  void slowRequestsOfSeveralDevicesAreWaitedForTogether() throws Exception {
    subject.waits(Duration.ofSeconds(2), LONG);
    CallPlan.Held slow1 = subject.plan().hold("RawDevice.read");
    begin(read("dev1"));
    slow1.awaitArrival();
    CallPlan.Held slow2 = subject.plan().hold("RawDevice.read");
    begin(read("dev2"));
    slow2.awaitArrival();
    CallPlan.Held slow3 = subject.plan().hold("RawDevice.read");
    begin(read("dev3"));
    slow3.awaitArrival();
    long begun = System.nanoTime();
    subject.takeAway("TRACKER");
    long took = System.nanoTime() - begun;
    assertTrue(took < Duration.ofSeconds(4).toNanos(), took + " ns for three times 2 s at once");
    List.of(slow1, slow2, slow3).forEach(CallPlan.Held::release);
    subject.bringBack("TRACKER");
    assertEquals("ok", device("dev3").conditionDetail());
  }

  @Test
  void aDeviceAttachedWhileTheChunkBundleIsAwayKeepsItsImage() throws Exception {
    Path file = Files.write(subject.directory().resolve("once"), new byte[SIZE]);
    AttachRequest once = AttachRequest.of(file).named("once").persistent(false);
    subject.service().attach(once);
    Snapshot snapshot = subject.service().create();
    snapshot.addDevice("once");
    Path diff = Files.createDirectories(directory.resolve("diff"));
    snapshot.appendStorageDirectory(diff, 64 << 20);
    snapshot.take();
    subject.restart(() -> {});
    assertTrue(subject.service().device("once").isEmpty());
    subject.takeAway("CHUNK");
    FutureTask<AttachedDevice> attach = begin(() -> subject.service().attach(once));
    Thread.sleep(10);
    assertFalse(attach.isDone(), "it waits for the chunk bundle");
    subject.bringBack("CHUNK");
    attach.get();
    assertEquals(Errno.OK, subject.service().snapshot(snapshot.id()).images().get(0).error());
  }

  @Test
  void anAttachIsRefusedWithTheRemedyWhereARoomStaysAway() throws Exception {
    subject.waits(SHORT, SHORT);
    Path file = Files.write(subject.directory().resolve("new"), new byte[SIZE]);
    subject.takeAway("CHUNK");
    BlksnapException refused =
        assertThrows(
            BlksnapException.class,
            () -> subject.service().attach(AttachRequest.of(file).named("new")));
    assertEquals(Errno.EAGAIN, refused.errno());
    assertTrue(refused.getMessage().contains("bundle:start org.blksnap.chunk"), refused::toString);
  }

  @Test
  void theCapacityIsWatchedAfterAnErrorInOneRound() throws Exception {
    subject.plan().error("RawDevice.refresh", new StackOverflowError("thrown by the test"));
    while (subject.plan().counts().getOrDefault("RawDevice.refresh", 0L) < 10) {
      Thread.sleep(1);
    }
  }

  @Test
  void aSlowImageReadHoldsUpNeitherADestructionNorLiveRequests() throws Exception {
    Snapshot snapshot = taken("dev1");
    SnapshotImage image = snapshot.images().get(0);
    CallPlan.Held slow = subject.plan().hold("RawDevice.read");
    FutureTask<byte[]> reading =
        begin(
            () -> {
              ByteBuffer all = ByteBuffer.allocate(SIZE);
              image.read(all, 0);
              return all.array();
            });
    slow.awaitArrival();
    snapshot.destroy();
    byte[] changed = new byte[4096];
    device("dev1").write(ByteBuffer.wrap(changed), 0);
    taken("dev1").destroy();
    slow.release();
    ExecutionException stale = assertThrows(ExecutionException.class, reading::get);
    assertEquals(
        Errno.ESTALE, BlksnapException.errnoOf(stale.getCause()), String.valueOf(stale.getCause()));
    assertArrayEquals(new byte[4096], Arrays.copyOf(read("dev1").call(), 4096));
  }
}
