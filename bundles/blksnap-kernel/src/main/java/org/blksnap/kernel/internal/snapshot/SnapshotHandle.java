// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
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
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.record.SnapshotRecord.Member;

/**
 * What users have of one snapshot. Calls that change it hold the engine's control lock, but for its
 * storage, which has a lock of its own; queries read pictures. Stateless.
 */
final class SnapshotHandle implements Snapshot {
  private final Desk desk;
  private final HeldSnapshot held;
  private final Taking taking;
  private final Destruction destruction;

  SnapshotHandle(Desk desk, HeldSnapshot held, Taking taking, Destruction destruction) {
    this.desk = desk;
    this.held = held;
    this.taking = taking;
    this.destruction = destruction;
  }

  private void checkChangeable() throws BlksnapException {
    held.checkAlive();
    desk.checkRunning();
  }

  @Override
  public void addDevice(String name) throws BlksnapException {
    desk.control().lock();
    try {
      checkChangeable();
      LiveDevice device = desk.devices().require(name);
      admit(device);
      held.storage().check(device);
      held.add(device);
      boolean done = false;
      try {
        Path node = device.node();
        desk.module().tell(m -> m.addDevice(held.id(), node));
        done = true;
      } catch (BlksnapException e) {
        throw e.errno() == Errno.EBUSY ? inAnother(device, e) : e;
      } finally {
        if (!done) {
          held.drop(device);
        }
      }
    } finally {
      desk.control().unlock();
    }
  }

  private BlksnapException inAnother(LiveDevice device, BlksnapException e) {
    return new BlksnapException(
        Errno.EBUSY,
        "device "
            + device.name()
            + " refused by the kernel: it is in a snapshot that another program made, or snapshot "
            + held.id()
            + " has as many devices as the module allows; blksnap:snapshot-list shows the others,"
            + " destroy the one that has it (blksnap:snapshot-destroy)",
        e);
  }

  private void admit(LiveDevice device) throws BlksnapException {
    if (devices().contains(device.name())) {
      throw new BlksnapException(
          Errno.EALREADY, "device " + device.name() + " is in snapshot " + held.id() + " already");
    }
    if (state() == SnapshotState.TAKEN) {
      throw new BlksnapException(
          Errno.EBUSY,
          "device "
              + device.name()
              + " refused: snapshot "
              + held.id()
              + " is taken; create another one");
    }
    Optional<UUID> other = device.snapshot();
    if (other.isPresent()) {
      throw new BlksnapException(
          Errno.EBUSY,
          "device "
              + device.name()
              + " refused: it is in snapshot "
              + other.get()
              + "; a device is in one snapshot at most, destroy that one first");
    }
  }

  @Override
  public void appendStorage(Path path, List<ByteRange> ranges) throws BlksnapException {
    checkChangeable();
    held.storage().appendRanges(path, ranges);
  }

  @Override
  public void appendStorageDirectory(Path directory, long limit) throws BlksnapException {
    checkChangeable();
    held.storage().appendDirectory(directory, limit);
  }

  @Override
  public void appendStorageMemory(long bytes) throws BlksnapException {
    checkChangeable();
    throw new BlksnapException(
        Errno.EOPNOTSUPP,
        "storage of "
            + bytes
            + " bytes in memory refused: the kernel stores on block devices; give a block device,"
            + " or a directory on ext4 or xfs");
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
    return desk.devices().present(devices()).stream().mapToLong(LiveDevice::capacity).sum();
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
    Map<String, String> unasked = held.look();
    return held.record().members().stream().map(m -> info(m, unasked.get(m.device()))).toList();
  }

  /** {@code unasked}: why the kernel could not be asked; null where it was. */
  private static ImageInfo info(Member member, String unasked) {
    boolean unknown = unasked != null && member.error() == Errno.OK;
    return new ImageInfo(
        member.device(),
        unknown ? Errno.ENXIO : member.error(),
        unknown ? "how it is, is not known now: " + unasked : member.detail(),
        member.image(),
        Optional.empty());
  }

  @Override
  public List<SnapshotImage> images() {
    return List.copyOf(held.images().values());
  }

  @Override
  public StorageStatus storage() throws BlksnapException {
    held.checkAlive();
    held.look();
    boolean overflown =
        held.record().members().stream().map(Member::error).anyMatch(Errno.ENOSPC::equals);
    return held.storage().status(overflown);
  }

  @Override
  public BlksnapEvent.OfSnapshot waitEvent(Duration timeout) throws BlksnapException {
    held.checkAlive();
    BlksnapEvent.OfSnapshot event = desk.events().await(held.id(), timeout);
    held.untaken().taken(event);
    return event;
  }

  @Override
  public EventSubscription subscribe() throws BlksnapException {
    held.checkAlive();
    return desk.events().subscribe(held.id());
  }

  @Override
  public boolean acknowledge(BlksnapEvent.OfSnapshot event) {
    boolean lay = desk.events().acknowledge(event);
    if (lay) {
      held.untaken().taken(event);
    }
    return lay;
  }

  @Override
  public UUID id() {
    return held.id();
  }

  @Override
  public String owner() {
    return held.record().owner();
  }

  @Override
  public String label() {
    return held.record().label();
  }

  @Override
  public boolean orphaned() {
    return !owner().isEmpty() && !desk.runs().test(owner());
  }

  @Override
  public SnapshotState state() {
    return held.state();
  }

  @Override
  public Instant created() {
    return held.record().created();
  }

  @Override
  public Optional<Instant> taken() {
    return Optional.ofNullable(held.record().taken());
  }

  @Override
  public Optional<Consistency> consistency() {
    return Optional.ofNullable(held.record().consistency());
  }

  @Override
  public List<String> consistencyReasons() {
    return held.record().reasons();
  }

  @Override
  public List<String> devices() {
    return held.deviceNames();
  }
}
