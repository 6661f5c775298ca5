// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.StorageStatus;

/** Everything that can be asked of an engine, compared with its model. */
public final class Comparison {
  private record Generation(UUID id, int number) {}

  private final EngineModel model;
  private final Map<String, Generation> generations = new HashMap<>();
  private final Set<UUID> seen = new HashSet<>();

  public Comparison(EngineModel model) {
    this.model = model;
  }

  /** All of it. */
  public void everything(SnapshotService engine) throws IOException {
    same(
        "attached devices",
        List.copyOf(model.devices().keySet()),
        engine.devices().stream().map(AttachedDevice::name).toList());
    same("snapshots", List.copyOf(model.snapshots().keySet()), engine.collect());
    for (DeviceModel device : model.devices().values()) {
      device(engine, device);
    }
    for (SnapshotModel snapshot : model.snapshots().values()) {
      snapshot(engine, snapshot);
    }
  }

  /** One device, its map and its image. */
  public void device(SnapshotService engine, DeviceModel device) throws IOException {
    AttachedDevice real = attached(engine, device);
    same(device.name() + ": capacity", (long) device.live().length, real.capacity());
    same(
        device.name() + ": its snapshot",
        model.snapshotOf(device).map(SnapshotModel::id),
        real.snapshot());
    content(device.name(), device.live(), real);
    changes(device, real);
    Optional<ImageModel> image = model.imageOf(device);
    if (image.isPresent()) {
      image(engine, device, image.get());
    }
  }

  public static AttachedDevice attached(SnapshotService engine, DeviceModel device) {
    return engine
        .device(device.name())
        .orElseThrow(() -> new Difference("device " + device.name() + " is not attached"));
  }

  /** The readable map, its numbers and its generation. */
  public void changes(DeviceModel device, AttachedDevice real) throws IOException {
    ChangeMapModel expected = device.changes();
    CbtInfo info = real.changes().info();
    String name = device.name() + ": ";
    same(name + "tracking block", expected.blockSize(), info.blockSize());
    same(name + "tracking blocks", expected.blockCount(), info.blockCount());
    same(name + "map's capacity", (long) device.live().length, info.deviceCapacity());
    same(name + "changes number", expected.changesNumber(), info.changesNumber());
    generation(device, info);
    byte[] map = map(real);
    expected.learn(map);
    same(name + "map", hex(expected.bytes()), hex(map));
  }

  private void generation(DeviceModel device, CbtInfo info) {
    Generation known = generations.get(device.name());
    int number = device.changes().generation();
    if (known != null && known.number == number) {
      same(device.name() + ": generation", known.id, info.generationId());
      return;
    }
    if (!seen.add(info.generationId())) {
      throw new Difference(
          device.name() + ": generation " + info.generationId() + " stands; a new one was due");
    }
    generations.put(device.name(), new Generation(info.generationId(), number));
  }

  /** The whole readable map. */
  public static byte[] map(AttachedDevice real) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(real.changes().info().blockCount() + 1);
    int got = real.changes().read(0, bytes);
    return Arrays.copyOf(bytes.array(), got);
  }

  /** Empty where there is none. */
  public static Optional<SnapshotImage> imageOf(SnapshotService engine, DeviceModel device) {
    return engine.images().stream().filter(i -> i.device().equals(device.name())).findFirst();
  }

  private void image(SnapshotService engine, DeviceModel device, ImageModel expected)
      throws IOException {
    SnapshotImage real =
        imageOf(engine, device)
            .orElseThrow(() -> new Difference(device.name() + ": its image is missing"));
    SnapshotModel snapshot = model.snapshotOf(device).orElseThrow();
    noticeLoss(snapshot, expected, real);
    CbtInfo info = real.changes().info();
    same(real.name() + ": changes number", expected.changesNumber(), info.changesNumber());
    same(real.name() + ": map's capacity", (long) expected.content().length, info.deviceCapacity());
    ByteBuffer bytes = ByteBuffer.allocate(info.blockCount() + 1);
    real.changes().read(0, bytes);
    byte[] map = new byte[bytes.flip().remaining()];
    bytes.get(map);
    same(real.name() + ": map", hex(expected.changes(device.changes())), hex(map));
    if (!expected.lost()) {
      try {
        content(real.name(), expected.content(), real);
        return;
      } catch (BlksnapException e) {
        noticeLoss(snapshot, expected, real);
        if (!expected.lost()) {
          throw new Difference(real.name() + ": cannot be read: " + e, e);
        }
      }
    }
    try {
      real.read(ByteBuffer.allocate(1), 0);
      throw new Difference(real.name() + ": is lost, and can be read");
    } catch (BlksnapException e) {
      same(real.name() + ": lost", Errno.EIO, e.errno());
    }
  }

  /** The engine may say that an image is lost where the model knows a reason. */
  public void noticeLoss(SnapshotModel snapshot, ImageModel expected, SnapshotImage real) {
    if (real.error() == Errno.OK) {
      if (expected.lost()) {
        throw new Difference(real.name() + ": should be lost, and is not");
      }
      return;
    }
    if (!expected.lost() && !snapshot.mayLoseImages()) {
      throw new Difference(
          real.name() + ": is lost without a reason: " + real.error() + "; " + infoOf(real));
    }
    expected.lose();
  }

  private static String infoOf(SnapshotImage real) {
    return "asked of " + real.device() + " in " + real.snapshot();
  }

  /** Every byte, and that what is told to be a hole or zero reads as zeroes. */
  private static void content(String name, byte[] expected, BlockDevice real) throws IOException {
    same(name + ": capacity", (long) expected.length, real.capacity());
    ByteBuffer got = ByteBuffer.allocate(expected.length);
    real.read(got, 0);
    bytes(name, expected, got.array(), 0);
  }

  /** Two equal stretches; {@code from} is where they begin, for the message. */
  public static void bytes(String name, byte[] expected, byte[] got, long from) {
    int at = Arrays.mismatch(expected, got);
    if (at >= 0) {
      throw new Difference(
          name
              + ": byte "
              + (from + at)
              + " is "
              + valueAt(got, at)
              + ", should be "
              + valueAt(expected, at));
    }
  }

  private static String valueAt(byte[] bytes, int at) {
    return at < bytes.length ? String.valueOf(bytes[at]) : "missing";
  }

  /** The same by other ways: sent to a channel, and by what is told of its allocation. */
  public static void otherWays(String name, byte[] expected, BlockDevice real, int from, int length)
      throws IOException {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    real.transferTo(from, length, Channels.newChannel(sent));
    bytes(
        name + " sent",
        Arrays.copyOfRange(expected, from, from + length),
        sent.toByteArray(),
        from);
    if (length == 0) {
      return;
    }
    long at = from;
    for (AllocationExtent extent : real.allocation(from, length, Integer.MAX_VALUE)) {
      same(name + ": an extent begins at", at, extent.offset());
      at += extent.length();
      for (long i = extent.offset(); extent.zero() && i < at; i++) {
        if (expected[(int) i] != 0) {
          throw new Difference(name + ": " + extent + " is told to be zero, byte " + i + " is not");
        }
      }
    }
    same(name + ": extents end at", (long) from + length, at);
  }

  /** State, members, images and what is told of the storage. */
  public void snapshot(SnapshotService engine, SnapshotModel expected) throws IOException {
    Snapshot real = engine.snapshot(expected.id());
    String name = "snapshot " + expected.id();
    same(
        name + ": state",
        expected.taken() ? SnapshotState.TAKEN : SnapshotState.CREATED,
        real.state());
    same(name + ": devices", List.copyOf(expected.images().keySet()), real.devices());
    same(name + ": images", expected.taken() ? real.devices().size() : 0, real.images().size());
    for (ImageInfo info : real.info()) {
      ImageModel image = expected.images().get(info.device());
      if (image == null) {
        same(name + ": error before the take", Errno.OK, info.error());
      } else if (info.error() == Errno.OK) {
        same(
            name + ": chunk of " + info.device(),
            image.chunkSize(),
            info.chunks().orElseThrow().chunkSize());
      }
    }
    storage(name, expected, real.storage(), false);
  }

  /** {@code settled}: nothing waits to be stored, so the fill is exactly known. */
  public static void storage(
      String name, SnapshotModel expected, StorageStatus real, boolean settled) {
    if (expected.growing()) {
      return;
    }
    StorageModel storage = expected.storage();
    same(name + ": storage's bytes", storage.capacity(), real.capacityBytes());
    if (!storage.overflown() && real.filledBytes() > storage.filled()) {
      throw new Difference(
          name + ": " + real.filledBytes() + " bytes filled, at most " + storage.filled());
    }
    if (real.overflown() && !storage.overflown()) {
      throw new Difference(name + ": overflown without a reason: " + real);
    }
    boolean lossless =
        expected.images().values().stream().noneMatch(image -> image != null && image.lost());
    if (settled && lossless && storage.fillIsExact()) {
      same(name + ": filled bytes", storage.filled(), real.filledBytes());
    }
    if (settled && lossless && storage.askingIsExact()) {
      same(name + ": requested bytes", storage.requested() * 512, real.requestedBytes());
    }
  }

  private static String hex(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (byte b : bytes) {
      text.append(Integer.toHexString(b & 0xff)).append(' ');
    }
    return text.toString();
  }

  /** Throws where they are not equal. */
  public static void same(String what, Object expected, Object got) {
    if (!expected.equals(got)) {
      throw new Difference(what + ": is " + got + ", should be " + expected);
    }
  }
}
