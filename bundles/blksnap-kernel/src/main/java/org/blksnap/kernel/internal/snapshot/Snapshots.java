// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadFactory;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.enginebase.thread.DaemonThreads;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.record.Life;
import org.blksnap.kernel.internal.record.SnapshotRecord;
import org.blksnap.kernel.internal.record.SnapshotRecord.Member;
import org.blksnap.kernel.internal.record.StorageRecord;
import org.blksnap.kernel.internal.storage.SnapshotStorage;
import org.blksnap.spi.module.SnapshotSeed;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes snapshots, finds them, and takes over those that a predecessor left in the kernel. */
public final class Snapshots {
  /** Makes the storage of a snapshot. */
  public interface StorageMaker {
    SnapshotStorage make(UUID id, Path directory, StorageRecord record);
  }

  private static final String REMEDY =
      "; mend the records in there, or destroy the snapshot (blksnap:snapshot-destroy), which gives"
          + " back what can be read";

  private static final Logger LOG = LoggerFactory.getLogger(Snapshots.class);

  private final Desk desk;
  private final SnapshotBook book;
  private final Taking taking;
  private final Destruction destruction;
  private final Leftovers leftovers;
  private final StorageMaker storages;
  private final Images images;
  private final ThreadFactory threads = DaemonThreads.named("blksnap-kernel-events");

  public Snapshots(
      Desk desk,
      SnapshotBook book,
      Taking taking,
      Destruction destruction,
      Leftovers leftovers,
      StorageMaker storages) {
    this.desk = desk;
    this.leftovers = leftovers;
    this.book = book;
    this.taking = taking;
    this.destruction = destruction;
    this.storages = storages;
    this.images = new Images(desk);
  }

  /** An empty one, in the kernel and on disk when it returns. Under the control lock. */
  public Snapshot create(SnapshotRequest request) throws BlksnapException {
    UUID id = desk.module().ask(m -> m.create(SnapshotSeed.NONE));
    boolean done = false;
    try {
      SnapshotRecord record =
          new SnapshotRecord(
              id,
              desk.module().incarnation(),
              SnapshotRecord.Phase.CREATED,
              request.owner(),
              request.label(),
              Instant.now(),
              null,
              null,
              List.of(),
              List.of());
      record.write(desk.state().snapshot(id));
      HeldSnapshot snapshot =
          held(record, storages.make(id, desk.state().snapshot(id), StorageRecord.NONE));
      done = true;
      return begin(snapshot);
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(BlksnapException.errnoOf(e), "no snapshot was created: " + e, e);
    } finally {
      if (!done) {
        desk.module().tell(m -> m.destroy(id));
        StateDirectory.removeQuietly(desk.state().snapshot(id));
      }
    }
  }

  private HeldSnapshot held(SnapshotRecord record, SnapshotStorage storage) {
    UUID id = record.id();
    Path directory = desk.state().snapshot(id);
    return new HeldSnapshot(
        directory,
        record,
        desk.module(),
        desk.disks(),
        storage,
        new UntakenEvents(directory, desk.events().engine(), id));
  }

  /** From here on it is there for all, and heard. */
  private Snapshot begin(HeldSnapshot snapshot) {
    desk.events().open(snapshot.id());
    snapshot.untaken().all().forEach(desk.events()::offer);
    book.remember(snapshot);
    snapshot.listen(
        new EventPump(
            snapshot.id(),
            desk.module(),
            new KernelEvents(snapshot, desk.events(), destruction),
            threads));
    return handle(snapshot);
  }

  private Snapshot handle(HeldSnapshot snapshot) {
    return new SnapshotHandle(desk, snapshot, taking, destruction);
  }

  /**
   * What the records tell: kept where the kernel still has it, cleared away where not. Under the
   * control lock, the devices being attached again.
   */
  public void restore() throws BlksnapException {
    List<UUID> inKernel = desk.module().ask(m -> m.collect());
    try {
      for (Path directory : desk.state().snapshots()) {
        restore(directory, inKernel);
      }
    } catch (IOException e) {
      LOG.error("the remembered snapshots were not read: {}", e.toString());
    }
  }

  /** The storage first: what the kernel may have stays lent, whatever else cannot be read. */
  private void restore(Path directory, List<UUID> inKernel) {
    SnapshotStorage storage = null;
    try {
      UUID id = UUID.fromString(directory.getFileName().toString());
      storage = storages.make(id, directory, StorageRecord.read(directory));
      restore(SnapshotRecord.read(directory), storage, directory, inKernel.contains(id));
    } catch (IOException | RuntimeException e) {
      leftovers.stays(storage, directory, e + REMEDY);
    }
  }

  private void restore(
      SnapshotRecord record, SnapshotStorage storage, Path directory, boolean inKernel)
      throws BlksnapException {
    String now = desk.module().incarnation();
    if (inKernel) {
      adopt(record.in(now), storage);
    } else if (Life.hasEnded(record.incarnation(), now)) {
      LOG.warn(
          "snapshot {} is gone: {}",
          record.id(),
          record.incarnation().equals(now)
              ? "another program destroyed it"
              : "the kernel module was loaded anew, or the host was booted");
      leftovers.release(storage, directory);
    } else {
      leftovers.stays(
          storage,
          directory,
          String.format(
              "the module that had it (%s) is not the one that is loaded (%s), and may have it still;"
                  + " load that one alone and destroy the snapshot, or boot the host",
              record.incarnation(), now));
    }
  }

  private void adopt(SnapshotRecord record, SnapshotStorage storage) throws BlksnapException {
    HeldSnapshot snapshot = held(record, storage);
    if (record.phase() == SnapshotRecord.Phase.TAKING) {
      snapshot.become(taking.found(record));
    }
    if (snapshot.record().phase() == SnapshotRecord.Phase.CREATED) {
      snapshot.record().members().forEach(member -> joined(snapshot, member));
    }
    for (LiveDevice device : desk.devices().present(snapshot.deviceNames())) {
      device.belongTo(record.id());
    }
    images.find(snapshot);
    images.link(snapshot);
    snapshot.look();
    storage.adopted();
    begin(snapshot);
    LOG.info("snapshot {} is taken over as it is in the kernel", record.id());
  }

  /** A kill may have come between the record of a member and the kernel's word. */
  private void joined(HeldSnapshot snapshot, Member member) {
    try {
      desk.disks().check(new Disk(member.path(), member.major(), member.minor()));
      desk.module().tell(m -> m.addDevice(snapshot.id(), member.path()));
    } catch (BlksnapException e) {
      if (e.errno() == Errno.EBUSY || e.errno() == Errno.ENOENT) {
        LOG.warn(
            "device {} is not in snapshot {}: {}", member.device(), snapshot.id(), e.toString());
        snapshot.strike(member.device());
      } else if (e.errno() != Errno.EALREADY) {
        LOG.warn(
            "whether device {} is in snapshot {} is not known: {}",
            member.device(),
            snapshot.id(),
            e.toString());
      }
    }
  }

  /** About each second, under the control lock: images that were not told are asked for. */
  public void tick() throws BlksnapException {
    leftovers.tick();
    for (HeldSnapshot snapshot : book.all()) {
      if (snapshot.lacksImage() && !desk.module().isAway()) {
        images.find(snapshot);
        images.link(snapshot);
      }
    }
  }

  /** Names of the devices of all snapshots that the records tell of. */
  public Set<String> namesOnRecord() {
    Set<String> names = new HashSet<>();
    try {
      for (Path directory : desk.state().snapshots()) {
        SnapshotRecord.read(directory).members().forEach(member -> names.add(member.device()));
      }
    } catch (IOException | RuntimeException e) {
      LOG.debug("snapshots were not all read: {}", e.toString());
    }
    return names;
  }

  /** A device that is attached again while a snapshot holds it. Under the control lock. */
  public void relink(LiveDevice device) throws BlksnapException {
    for (HeldSnapshot snapshot : book.all()) {
      Optional<SnapshotRecord.Member> member = snapshot.member(device.name());
      boolean same =
          member
              .filter(m -> m.major() == device.major() && m.minor() == device.minor())
              .isPresent();
      if (same) {
        device.belongTo(snapshot.id());
        images.link(snapshot);
      }
    }
  }

  /** All that the kernel has, oldest first. */
  public List<Snapshot> all() {
    List<Snapshot> all = new ArrayList<>();
    for (UUID id : ids()) {
      all.add(book.find(id).map(this::handle).orElseGet(() -> foreign(id)));
    }
    return all;
  }

  private Snapshot foreign(UUID id) {
    return new ForeignSnapshot(id, this::destroyForeign);
  }

  /** While the bridge is away: those that are known here. */
  public List<UUID> ids() {
    if (!desk.module().isAway()) {
      try {
        return desk.module().ask(m -> m.collect());
      } catch (BlksnapException e) {
        LOG.debug("snapshots were not listed: {}", e.toString());
      }
    }
    return book.all().stream()
        .sorted(Comparator.comparing(s -> s.record().created()))
        .map(HeldSnapshot::id)
        .toList();
  }

  /** ESRCH. */
  public Snapshot find(UUID id) throws BlksnapException {
    Optional<HeldSnapshot> ours = book.find(id);
    if (ours.isPresent()) {
      return handle(ours.get());
    }
    if (ids().contains(id)) {
      return foreign(id);
    }
    throw new BlksnapException(
        Errno.ESRCH, "no snapshot " + id + ": it was destroyed, or never was");
  }

  /** ENODEV. */
  public void destroy(UUID id) throws BlksnapException {
    Optional<HeldSnapshot> ours = book.find(id);
    if (ours.isEmpty()) {
      destroyForeign(id);
      return;
    }
    destruction.destroy(ours.get());
  }

  private void destroyForeign(UUID id) throws BlksnapException {
    try {
      desk.module().tell(m -> m.destroy(id));
      leftovers.gone(id);
    } catch (BlksnapException e) {
      if (e.errno() == Errno.ENODEV || e.errno() == Errno.ESRCH) {
        throw new BlksnapException(
            Errno.ENODEV, "no snapshot " + id + ": it was destroyed, or never was", e);
      }
      throw e;
    }
  }

  public List<SnapshotImage> images() {
    List<SnapshotImage> all = new ArrayList<>();
    book.all().stream()
        .filter(snapshot -> snapshot.state() == SnapshotState.TAKEN)
        .sorted(Comparator.comparing(s -> s.record().created()))
        .forEach(snapshot -> all.addAll(snapshot.images().values()));
    return all;
  }

  /** The engine stops: nothing is fetched from the kernel any more, all stays there. */
  public void leave() {
    for (HeldSnapshot snapshot : book.all()) {
      snapshot.deafen();
      snapshot.unlinkAll();
      snapshot.storage().leave();
      desk.events().leave(snapshot.id());
    }
    leftovers.leave();
  }
}
