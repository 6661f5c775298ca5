// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.api.snapshot.ChunkStatistics;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.api.snapshot.TakeResult;

/** A snapshot that remembers what it was told. */
public final class FakeSnapshot implements Snapshot, StorageGrant.Recipient {
  final FakeEngine engine;
  final UUID id;
  final List<String> devices = new ArrayList<>();
  public final List<String> given = new ArrayList<>();

  /** What nobody has dealt with yet. */
  public final Queue<BlksnapEvent.OfSnapshot> events = new ConcurrentLinkedQueue<>();

  public volatile int subscriptionsClosed;
  String owner = "";
  String label = "";
  public boolean orphaned;
  SnapshotState state = SnapshotState.CREATED;
  public StorageStatus storage = new StorageStatus(0, 0, 1L << 30, 0, false, List.of());
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
  public String owner() {
    return owner;
  }

  @Override
  public String label() {
    return label;
  }

  @Override
  public boolean orphaned() {
    return orphaned;
  }

  @Override
  public void give(StorageGrant grant) throws BlksnapException {
    grant.give(this);
  }

  @Override
  public void ranges(Path fileOrDevice, List<ByteRange> ranges) {
    appendStorage(fileOrDevice, ranges);
  }

  @Override
  public void directory(Path directory, long limit) {
    appendStorageDirectory(directory, limit);
  }

  @Override
  public void memory(long bytes) {
    appendStorageMemory(bytes);
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
    grow(4096 * 512, 0);
  }

  @Override
  public void appendStorageDirectory(Path directory, long limit) {
    given.add("directory " + directory + " " + limit);
    grow(0, limit == 0 ? 1L << 30 : limit);
  }

  @Override
  public void appendStorageMemory(long bytes) {
    given.add("memory " + bytes);
    grow(bytes, 0);
  }

  private void grow(long bytes, long limit) {
    storage =
        new StorageStatus(
            storage.capacityBytes() + bytes,
            storage.filledBytes(),
            storage.requestedBytes(),
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
    state = SnapshotState.TAKEN;
    return new TakeResult(
        Consistency.CRASH,
        List.of("nobody held still"),
        List.of("mysql was late"),
        Duration.ofNanos(250_000));
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
                    taken
                        ? Optional.of(new ChunkStatistics(262_144, 16, 1, 4096, 0))
                        : Optional.empty()))
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
  public BlksnapEvent.OfSnapshot waitEvent(Duration timeout) {
    throw new UnsupportedOperationException("commands subscribe");
  }

  /** Tells what lies in {@link #events}, each once. */
  @Override
  public EventSubscription subscribe() {
    return new EventSubscription() {
      private final Set<BlksnapEvent> told = Collections.newSetFromMap(new IdentityHashMap<>());

      @Override
      public BlksnapEvent.OfSnapshot next(Duration timeout) throws BlksnapException {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
          for (BlksnapEvent.OfSnapshot event : events) {
            if (told.add(event)) {
              return event;
            }
          }
          if (System.nanoTime() > deadline) {
            throw new BlksnapException(Errno.ENOENT, "no event in " + timeout.toMillis() + " ms");
          }
          try {
            Thread.sleep(5);
          } catch (InterruptedException e) {
            throw new BlksnapException(Errno.EINTR, "the wait was interrupted", e);
          }
        }
      }

      @Override
      public long dropped() {
        return 0;
      }

      @Override
      public void close() {
        subscriptionsClosed++;
      }
    };
  }

  @Override
  public boolean acknowledge(BlksnapEvent.OfSnapshot event) {
    return events.removeIf(e -> e == event);
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
