// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.api.snapshot.TakeResult;
import org.blksnap.enginebase.DefaultStorage;
import org.blksnap.snapshot.internal.data.FilteredDevice;

/**
 * What users have of one snapshot. Changing calls hold the engine's control lock; queries read the
 * immutable pictures of {@link HeldSnapshot}. Once the engine has gone nothing is changed through
 * it: the records are a successor's. Stateless.
 */
public final class SnapshotHandle implements Snapshot {
  private final Desk desk;
  private final Readiness readiness;
  private final HeldSnapshot held;
  private final Taking taking;
  private final Destruction destruction;

  public SnapshotHandle(
      Desk desk, Readiness readiness, HeldSnapshot held, Taking taking, Destruction destruction) {
    this.desk = desk;
    this.readiness = readiness;
    this.held = held;
    this.taking = taking;
    this.destruction = destruction;
  }

  /**
   * ESRCH, and ESHUTDOWN of an engine that has stopped: the records and files that a change would
   * touch are its successor's. Under the control lock.
   */
  private void checkChangeable() throws BlksnapException {
    held.checkAlive();
    readiness.check();
  }

  @Override
  public void addDevice(String name) throws BlksnapException {
    desk.control().lock();
    try {
      checkChangeable();
      FilteredDevice device = desk.devices().require(name);
      Admission.check(held, device);
      StoragePlaces.checkBlockSize(device, held.storageRoom().logicalBlockSize());
      held.places().check(device);
      held.add(device);
    } finally {
      desk.control().unlock();
    }
  }

  @Override
  public void appendStorage(Path path, List<ByteRange> ranges) throws BlksnapException {
    desk.control().lock();
    try {
      checkChangeable();
      Geometry geometry = desk.providers().device().geometry(path);
      StoragePlaces places = held.places();
      places.check(path, ranges, geometry, attached());
      places.give(path, () -> held.storageRoom().appendRanges(path, ranges, geometry));
      desk.hot().keepBehind(held.directory());
    } finally {
      desk.control().unlock();
    }
  }

  @Override
  public void appendStorageDirectory(Path dir, long limit) throws BlksnapException {
    desk.control().lock();
    try {
      checkChangeable();
      StoragePlaces places = held.places();
      places.check(dir, attached());
      places.give(dir, () -> held.storageRoom().appendDirectory(dir, limit));
      desk.hot().keepBehind(held.directory());
    } finally {
      desk.control().unlock();
    }
  }

  @Override
  public void appendStorageMemory(long bytes) throws BlksnapException {
    desk.control().lock();
    try {
      checkChangeable();
      held.storageRoom().appendMemory(bytes);
    } finally {
      desk.control().unlock();
    }
  }

  @Override
  public void give(StorageGrant grant) throws BlksnapException {
    grant.give(
        new StorageGrant.Recipient() {
          @Override
          public void ranges(Path path, List<ByteRange> ranges) throws BlksnapException {
            appendStorage(path, ranges);
          }

          @Override
          public void directory(Path directory, long limit) throws BlksnapException {
            Path place = directory == null ? DefaultStorage.made(desk.state().root()) : directory;
            appendStorageDirectory(
                place, limit > 0 ? limit : DefaultStorage.limit(place, everything()));
          }

          @Override
          public void memory(long bytes) throws BlksnapException {
            appendStorageMemory(bytes);
          }
        });
  }

  /** Bytes of all its devices. */
  private long everything() {
    return attached().stream().mapToLong(FilteredDevice::capacity).sum();
  }

  private List<FilteredDevice> attached() {
    return desk.devices().present(held.members().keySet());
  }

  @Override
  public TakeResult take() throws BlksnapException {
    return taking.take(held);
  }

  @Override
  public void destroy() throws BlksnapException {
    destruction.destroy(held);
  }

  @Override
  public List<ImageInfo> info() throws BlksnapException {
    held.checkAlive();
    return ImageReport.of(
        held.members().values(), held.views(), held.state() == SnapshotState.TAKEN);
  }

  @Override
  public List<SnapshotImage> images() {
    return List.copyOf(held.views().values());
  }

  @Override
  public StorageStatus storage() throws BlksnapException {
    held.checkAlive();
    return held.storageRoom().status();
  }

  @Override
  public BlksnapEvent.OfSnapshot waitEvent(Duration timeout) throws BlksnapException {
    held.checkAlive();
    return desk.events().await(held.id(), timeout);
  }

  @Override
  public EventSubscription subscribe() throws BlksnapException {
    held.checkAlive();
    return desk.events().subscribe(held.id());
  }

  @Override
  public boolean acknowledge(BlksnapEvent.OfSnapshot event) {
    return desk.events().acknowledge(event);
  }

  @Override
  public UUID id() {
    return held.id();
  }

  @Override
  public String owner() {
    return held.origin().owner();
  }

  @Override
  public String label() {
    return held.origin().label();
  }

  @Override
  public boolean orphaned() {
    return !owner().isEmpty() && !desk.runs(owner());
  }

  @Override
  public SnapshotState state() {
    return held.state();
  }

  @Override
  public Instant created() {
    return held.origin().created();
  }

  @Override
  public Optional<Instant> taken() {
    return Optional.ofNullable(held.taken());
  }

  @Override
  public Optional<Consistency> consistency() {
    return Optional.ofNullable(held.consistency());
  }

  @Override
  public List<String> consistencyReasons() {
    return held.reasons();
  }

  @Override
  public List<String> devices() {
    return List.copyOf(held.members().keySet());
  }
}
