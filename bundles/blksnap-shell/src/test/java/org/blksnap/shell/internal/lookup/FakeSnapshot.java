// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.Consistency;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.api.snapshot.TakeResult;

/** A snapshot that remembers what it was told. */
public final class FakeSnapshot implements Snapshot {
  final FakeEngine engine;
  final UUID id;
  final List<String> devices = new ArrayList<>();
  public final List<String> given = new ArrayList<>();
  public final ArrayDeque<BlksnapEvent.OfSnapshot> events = new ArrayDeque<>();
  SnapshotState state = SnapshotState.CREATED;
  public StorageStatus storage = new StorageStatus(0, 0, 2_097_152, 0, false, List.of());
  public Errno imageError = Errno.OK;
  public String imageDetail = "no range left";
  public BlksnapException destroyFailure;

  public FakeSnapshot(FakeEngine engine, UUID id) {
    this.engine = engine;
    this.id = id;
  }

  @Override
  public UUID id() {
    return id;
  }

  @Override
  public SnapshotState state() {
    return state;
  }

  @Override
  public Instant created() {
    return Instant.EPOCH;
  }

  @Override
  public Optional<Instant> taken() {
    return state == SnapshotState.CREATED
        ? Optional.empty()
        : Optional.of(Instant.EPOCH.plusSeconds(1));
  }

  @Override
  public Optional<Consistency> consistency() {
    return state == SnapshotState.CREATED ? Optional.empty() : Optional.of(Consistency.CRASH);
  }

  @Override
  public List<String> consistencyReasons() {
    return state == SnapshotState.CREATED ? List.of() : List.of("nobody held still");
  }

  @Override
  public List<String> devices() {
    return devices;
  }

  @Override
  public void addDevice(String device) throws BlksnapException {
    if (devices.contains(device)) {
      throw new BlksnapException(Errno.EALREADY, "device " + device + " refused: in it already");
    }
    devices.add(device);
  }

  @Override
  public void appendStorage(Path path, List<ByteRange> ranges) {
    given.add("path " + path + " " + ranges);
    grow(4096, 0);
  }

  @Override
  public void appendStorageDirectory(Path directory, long limit) {
    given.add("directory " + directory + " " + limit);
    grow(0, limit / 512);
  }

  @Override
  public void appendStorageMemory(long bytes) {
    given.add("memory " + bytes);
    grow(bytes / 512, 0);
  }

  private void grow(long sectors, long limit) {
    storage =
        new StorageStatus(
            storage.capacitySectors() + sectors,
            storage.filledSectors(),
            storage.requestedSectors(),
            limit,
            false,
            List.copyOf(given));
  }

  @Override
  public TakeResult take() throws BlksnapException {
    if (given.isEmpty()) {
      throw new BlksnapException(
          Errno.EFAULT, "take of " + id + " refused:\n no storage; give some first");
    }
    if (engine.takeFailure != null) {
      throw engine.takeFailure;
    }
    if (engine.takeError != null) {
      throw engine.takeError;
    }
    state = SnapshotState.TAKEN;
    return new TakeResult(
        Consistency.CRASH, List.of("nobody held still"), List.of("mysql was late"), 250_000);
  }

  @Override
  public List<ImageInfo> info() {
    boolean taken = state == SnapshotState.TAKEN;
    return devices.stream()
        .map(
            d ->
                new ImageInfo(
                    d,
                    imageError,
                    imageError == Errno.OK ? "" : imageDetail,
                    taken ? "blksnap-image_7:0" : "",
                    taken ? 262_144 : 0,
                    taken ? 16 : 0,
                    1,
                    4096,
                    0))
        .toList();
  }

  @Override
  public List<SnapshotImage> images() {
    return state != SnapshotState.TAKEN
        ? List.of()
        : devices.stream()
            .map(d -> engine.device(d).orElseThrow())
            .map(d -> ((FakeDevice) d).image(id, imageError))
            .toList();
  }

  @Override
  public StorageStatus storage() {
    return storage;
  }

  @Override
  public BlksnapEvent.OfSnapshot waitEvent(Duration timeout) throws BlksnapException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (events.isEmpty()) {
      if (System.nanoTime() > deadline) {
        throw new BlksnapException(Errno.ENOENT, "no event within " + timeout.toMillis() + " ms");
      }
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        throw new BlksnapException(Errno.EINTR, "the wait was interrupted", e);
      }
    }
    return events.remove();
  }

  @Override
  public void destroy() throws BlksnapException {
    if (destroyFailure != null) {
      throw destroyFailure;
    }
    state = SnapshotState.DESTROYED;
    engine.snapshots.remove(id);
  }
}
