// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.kernel.internal.record.SnapshotRecord;
import org.blksnap.kernel.internal.record.SnapshotRecord.Member;
import org.blksnap.kernel.internal.storage.SnapshotStorage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One snapshot as the engine keeps it: what the kernel does not know of it, with its record, which
 * follows before a call returns. Its life is changed under the engine's control lock; the first
 * error of an image also by its event. Monitor: the record; queries read volatile, immutable
 * pictures. What users may do with it is {@link SnapshotHandle}.
 */
final class HeldSnapshot {
  private static final Logger LOG = LoggerFactory.getLogger(HeldSnapshot.class);

  private final UUID id;
  private final Path directory;
  private final PresentModule module;
  private final Disks disks;
  private final SnapshotStorage storage;
  private final UntakenEvents untaken;

  /** Changed with the monitor held. */
  private volatile SnapshotRecord record;

  private volatile boolean destroyed;

  /** By device, in the order they were added; replaced as a whole. */
  private volatile Map<String, ImageDevice> images = Map.of();

  /** Null before it is started. */
  private volatile EventPump pump;

  HeldSnapshot(
      Path directory,
      SnapshotRecord record,
      PresentModule module,
      Disks disks,
      SnapshotStorage storage,
      UntakenEvents untaken) {
    this.id = record.id();
    this.directory = directory;
    this.record = record;
    this.module = module;
    this.disks = disks;
    this.storage = storage;
    this.untaken = untaken;
  }

  UUID id() {
    return id;
  }

  Path directory() {
    return directory;
  }

  SnapshotRecord record() {
    return record;
  }

  SnapshotStorage storage() {
    return storage;
  }

  UntakenEvents untaken() {
    return untaken;
  }

  Map<String, ImageDevice> images() {
    return images;
  }

  SnapshotState state() {
    if (destroyed) {
      return SnapshotState.DESTROYED;
    }
    return record.phase() == SnapshotRecord.Phase.TAKEN
        ? SnapshotState.TAKEN
        : SnapshotState.CREATED;
  }

  /** False: it is as it was, since the kernel would not destroy it. */
  void destroyed(boolean value) {
    destroyed = value;
  }

  /** ESRCH. */
  void checkAlive() throws BlksnapException {
    if (destroyed) {
      throw new BlksnapException(Errno.ESRCH, "snapshot " + id + " was destroyed");
    }
  }

  List<String> deviceNames() {
    return record.members().stream().map(Member::device).toList();
  }

  Optional<Member> member(String device) {
    return record.members().stream().filter(m -> m.device().equals(device)).findFirst();
  }

  /** On disk when it returns. */
  synchronized void keep(SnapshotRecord next) throws BlksnapException {
    try {
      next.write(directory);
      record = next;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "snapshot " + id + ": its record in " + directory + " was not written: " + e,
          e);
    }
  }

  /** So it is, whether that can be written or not; answers what failed. */
  synchronized Optional<String> become(SnapshotRecord next) {
    record = next;
    try {
      keep(next);
      return Optional.empty();
    } catch (BlksnapException e) {
      LOG.error("{}", e.toString());
      return Optional.of(e.getMessage());
    }
  }

  /** Takes a device in; on disk when it returns. */
  void add(LiveDevice device) throws BlksnapException {
    synchronized (this) {
      List<Member> members = new ArrayList<>(record.members());
      members.add(
          new Member(
              device.name(),
              device.disk().node(),
              device.major(),
              device.minor(),
              "",
              Errno.OK,
              "",
              Optional.empty()));
      keep(record.with(members));
    }
    device.belongTo(id);
  }

  /** It was not added after all. */
  void drop(LiveDevice device) {
    device.belongTo(null);
    strike(device.name());
  }

  /** A member that the kernel does not have. */
  synchronized void strike(String device) {
    become(record.with(record.members().stream().filter(m -> !m.device().equals(device)).toList()));
  }

  /** An image that the kernel did not tell before. */
  synchronized void imaged(String device, String image) {
    become(
        record.with(
            record.members().stream()
                .map(m -> m.device().equals(device) ? m.imaged(image) : m)
                .toList()));
  }

  /** A member of a taken snapshot whose image is not known yet. */
  boolean lacksImage() {
    return state() == SnapshotState.TAKEN
        && record.members().stream().anyMatch(m -> m.image().isEmpty());
  }

  /** The first error of an image; answers whether it is news. */
  synchronized boolean broken(String device, Errno error, String detail) {
    Optional<Member> old = member(device);
    if (old.isEmpty() || old.get().error() != Errno.OK) {
      return false;
    }
    become(
        record.with(
            record.members().stream()
                .map(m -> m.device().equals(device) ? m.broken(error, detail) : m)
                .toList()));
    return true;
  }

  /**
   * Asks the kernel how each image is; what it says is kept. Answers why some could not be asked
   * for, by device: a block device whose node is away now may come again.
   */
  Map<String, String> look() {
    Map<String, String> unasked = new HashMap<>();
    if (state() == SnapshotState.TAKEN) {
      for (Member member : record.members()) {
        look(member).ifPresent(why -> unasked.put(member.device(), why));
      }
    }
    return unasked;
  }

  private Optional<String> look(Member member) {
    try {
      disks.check(new Disk(member.path(), member.major(), member.minor()));
      Errno error = module.ask(m -> m.member(member.path())).error();
      if (error != Errno.OK) {
        broken(member.device(), error, Loss.words(error));
      }
      return Optional.empty();
    } catch (BlksnapException e) {
      return Optional.of(e.getMessage());
    }
  }

  ImageDevice.Health health(String device) {
    return new ImageDevice.Health() {
      @Override
      public Errno known() {
        return member(device).map(Member::error).orElse(Errno.OK);
      }

      @Override
      public String detail() {
        return member(device).map(Member::detail).orElse("");
      }

      @Override
      public Errno look() {
        member(device).ifPresent(HeldSnapshot.this::look);
        return known();
      }
    };
  }

  void link(ImageDevice image) {
    Map<String, ImageDevice> all = new LinkedHashMap<>(images);
    all.put(image.device(), image);
    images = all;
  }

  /** It has no images any more. */
  void unlinkAll() {
    Map<String, ImageDevice> old = images;
    images = Map.of();
    old.values().forEach(ImageDevice::end);
  }

  void listen(EventPump started) {
    pump = started;
    started.start();
  }

  /** The bridge goes. */
  void renew() {
    EventPump now = pump;
    if (now != null) {
      now.renew();
    }
  }

  /** No event is fetched from here on. */
  void deafen() {
    EventPump now = pump;
    if (now != null) {
      now.close();
    }
  }
}
