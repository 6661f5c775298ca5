// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.testkit.Comparison;
import org.blksnap.testkit.Difference;

/**
 * A take and what follows, with one call to the rooms failing somewhere in it. Whatever fails: live
 * data is right after each step, live writes go through unless the live device itself failed, an
 * image is right or says that it is lost, and a failed take leaves nothing behind.
 */
final class FaultScenario {
  private static final int DEVICES = 2;
  private static final int CAPACITY = 96 << 10;
  private static final int ROUNDS = 12;

  private final Random random = new Random(20_261_122);
  private final EngineSubject subject;
  private final byte[][] live = new byte[DEVICES][CAPACITY];
  private final byte[][] image = new byte[DEVICES][];
  private Snapshot snapshot;

  FaultScenario(Path root) throws IOException {
    subject = new EngineSubject(root);
  }

  /** Something asked of the engine. */
  private interface Call {
    void run() throws IOException;
  }

  /** Everything up to the point from which on calls are counted, and fail. */
  void prepare() throws IOException {
    subject.parameters().set(Parameter.CHUNK_MINIMUM_SHIFT, 13);
    subject.parameters().set(Parameter.CHUNK_MAXIMUM_IN_QUEUE, 2);
    subject.parameters().set(Parameter.DIFF_STORAGE_MINIMUM, 64);
    for (int i = 0; i < DEVICES; i++) {
      random.nextBytes(live[i]);
      Path file = subject.directory().resolve("dev" + i);
      Files.write(file, live[i]);
      subject.service().attach(AttachRequest.of(file).named("dev" + i));
    }
    snapshot = subject.service().create();
    for (int i = 0; i < DEVICES; i++) {
      snapshot.addDevice("dev" + i);
    }
    Path storage = subject.directory().resolve("storage");
    Files.write(storage, new byte[512 << 10]);
    snapshot.appendStorage(
        storage, List.of(new ByteRange(0, 20_480), new ByteRange(32_768, 300 << 10)));
    subject.plan().reset();
  }

  EngineSubject subject() {
    return subject;
  }

  void play() throws IOException {
    take();
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < DEVICES; i++) {
        changeLive(i);
        checkLive(i);
        useImage(i);
      }
    }
    for (int i = 0; i < DEVICES; i++) {
      SnapshotImage each = realImage(i);
      tolerate(i, each::flush);
    }
    for (int i = 0; i < DEVICES; i++) {
      checkLive(i);
      checkImage(i);
    }
    if (!attempt(snapshot::destroy)) {
      snapshot.destroy();
    }
    Comparison.same("snapshots", List.of(), subject.service().collect());
    for (int i = 0; i < DEVICES; i++) {
      String name = "dev" + i;
      checkLive(i);
      attempt(() -> subject.service().detach(name));
      byte[] now = Files.readAllBytes(subject.directory().resolve(name));
      Comparison.bytes("file of " + name, live[i], now, 0);
    }
  }

  /** False where it failed, which it may only where the ordered fault has come within it. */
  private boolean attempt(Call call) throws IOException {
    boolean before = subject.plan().fired();
    try {
      call.run();
      return true;
    } catch (IOException e) {
      if (before || !subject.plan().fired()) {
        throw new Difference("failed without a fault: " + e, e);
      }
      return false;
    }
  }

  private void take() throws IOException {
    if (!attempt(snapshot::take)) {
      Comparison.same("state after a failed take", SnapshotState.CREATED, snapshot.state());
      Comparison.same("images after a failed take", List.of(), subject.service().images());
      for (int i = 0; i < DEVICES; i++) {
        changeLive(i);
        checkLive(i);
      }
      snapshot.take();
    }
    for (int i = 0; i < DEVICES; i++) {
      image[i] = live[i].clone();
    }
  }

  private AttachedDevice device(int i) {
    return subject.service().device("dev" + i).orElseThrow();
  }

  private void changeLive(int i) throws IOException {
    int length = 1 + random.nextInt(20_000);
    int offset = random.nextInt(CAPACITY - length);
    byte[] data = new byte[length];
    int kind = random.nextInt(6);
    if (kind > 0) {
      random.nextBytes(data);
    }
    boolean before = subject.plan().fired();
    try {
      if (kind == 0) {
        device(i).writeZeroes(offset, length, IoFlags.NONE);
      } else {
        device(i).write(ByteBuffer.wrap(data), offset, kind == 1 ? IoFlags.FUA : IoFlags.NONE);
      }
      System.arraycopy(data, 0, live[i], offset, length);
    } catch (IOException e) {
      liveFailure(i, offset, data, before, e);
    }
  }

  /** Only the live device itself may fail a live write; then it holds old or new bytes. */
  private void liveFailure(int i, int offset, byte[] data, boolean before, IOException e)
      throws IOException {
    String text = String.valueOf(e.getMessage());
    boolean ofDevice =
        !before
            && subject.plan().fired()
            && (text.contains("RawDevice.write") || text.contains("RawDevice.flush"));
    if (!ofDevice) {
      throw new Difference("a live write failed: " + e, e);
    }
    byte[] now = new byte[data.length];
    device(i).read(ByteBuffer.wrap(now), offset);
    for (int at = 0; at < now.length; at++) {
      if (now[at] != data[at] && now[at] != live[i][offset + at]) {
        throw new Difference("a failed write left byte " + (offset + at) + " neither old nor new");
      }
    }
    System.arraycopy(now, 0, live[i], offset, now.length);
  }

  private void checkLive(int i) throws IOException {
    ByteBuffer now = ByteBuffer.allocate(CAPACITY);
    if (!attempt(() -> device(i).read(now, 0))) {
      now.clear();
      device(i).read(now, 0);
    }
    Comparison.bytes("dev" + i, live[i], now.array(), 0);
  }

  private SnapshotImage realImage(int i) {
    return snapshot.images().stream()
        .filter(each -> each.device().equals("dev" + i))
        .findFirst()
        .orElseThrow();
  }

  private void useImage(int i) throws IOException {
    if (random.nextInt(3) == 0) {
      byte[] data = new byte[1 + random.nextInt(9000)];
      random.nextBytes(data);
      int offset = random.nextInt(CAPACITY - data.length);
      byte[] before = Arrays.copyOfRange(image[i], offset, offset + data.length);
      System.arraycopy(data, 0, image[i], offset, data.length);
      if (!tolerate(i, () -> realImage(i).write(ByteBuffer.wrap(data), offset, IoFlags.NONE))) {
        settleFailedImageWrite(i, offset, before, data);
      }
    }
    checkImage(i);
  }

  /** An image that is not lost holds old or new bytes after a write that failed. */
  private void settleFailedImageWrite(int i, int offset, byte[] before, byte[] data)
      throws IOException {
    byte[] now = new byte[data.length];
    if (tolerate(i, () -> realImage(i).read(ByteBuffer.wrap(now), offset))) {
      for (int at = 0; at < now.length; at++) {
        if (now[at] != data[at] && now[at] != before[at]) {
          throw new Difference("a failed image write left byte " + at + " neither old nor new");
        }
      }
      System.arraycopy(now, 0, image[i], offset, now.length);
    }
  }

  private void checkImage(int i) throws IOException {
    byte[] now = new byte[CAPACITY];
    boolean read = tolerate(i, () -> realImage(i).read(ByteBuffer.wrap(now), 0));
    if (read) {
      Comparison.bytes("image of dev" + i, image[i], now, 0);
    } else if (realImage(i).error() == Errno.OK) {
      realImage(i).read(ByteBuffer.wrap(now), 0);
      Comparison.bytes("image of dev" + i + ", read again", image[i], now, 0);
    }
  }

  /** Image calls may fail once the fault has come: with EIO where the image is lost, else once. */
  private boolean tolerate(int i, Call call) throws IOException {
    boolean before = subject.plan().fired();
    try {
      call.run();
      return true;
    } catch (BlksnapException e) {
      boolean lost = realImage(i).error() != Errno.OK && e.errno() == Errno.EIO;
      if (subject.plan().fired() && (lost || !before)) {
        return false;
      }
      throw new Difference("image of dev" + i + " failed without a reason: " + e, e);
    }
  }
}
