// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.osgi.annotation.versioning.ProviderType;

/**
 * One snapshot (reference, section 5), shared by all who look it up; only {@link #destroy} ends it.
 * Who wants it to end with a block of code uses the {@link SnapshotLease} that {@link
 * SnapshotService#take} answers. Once it is destroyed it has no images, and every method that may
 * fail answers ESRCH. Once its engine has stopped, every call that would change it answers
 * ESHUTDOWN and changes nothing; where the engine was updated, its successor knows the snapshot by
 * its id. Thread rule: any thread; calls that change it run one after another.
 */
@ProviderType
public interface Snapshot {
  /** Tells it from every other snapshot of every engine, all its life. */
  UUID id();

  /** Symbolic name of the bundle whose it is; empty where nobody's. */
  String owner();

  /** What its owner called it; empty for none. */
  String label();

  /**
   * True where the bundle whose it is is not running: nobody may be left to destroy it. It holds
   * its devices and its storage until somebody does.
   */
  boolean orphaned();

  /** How far it is. */
  SnapshotState state();

  /** By the host's clock, for people. */
  Instant created();

  /** By the host's clock, for people. Empty before the take. */
  Optional<Instant> taken();

  /** What its images begin with. Empty before the take, and for one taken by an older version. */
  Optional<Consistency> consistency();

  /** Why its consistency is that and not more, a sentence each. */
  List<String> consistencyReasons();

  /** Names of its devices, in the order they were added. */
  List<String> devices();

  /**
   * Adds an attached device ({@code snapshotadd}). ENODEV: no such device. EALREADY: it is in this
   * snapshot already. EBUSY: it is in another one, or this one is taken already.
   */
  void addDevice(String device) throws BlksnapException;

  /**
   * Gives ranges (bytes) of a file or block device to the difference storage ({@code
   * append_storage}); an empty list gives all of it. Possible before and after the take. ENOTBLK:
   * the snapshot's devices have a smaller logical block. EINVAL: a range outside the file,
   * unaligned, or given before; or an attached device, unless it is in this snapshot and ranges of
   * it are named, which are then neither tracked nor saved. EROFS: it is read-only. EBUSY: in use
   * by others. Else as opening it fails.
   */
  void appendStorage(Path path, List<ByteRange> ranges) throws BlksnapException;

  /**
   * Gives a directory in which the storage grows by itself, by {@link
   * Parameter#DIFF_STORAGE_MINIMUM} at a time, up to {@code limit} bytes. EINVAL: the directory
   * lives on a device of the snapshot, or was given before; or a limit below 512. ENOENT, ENOTDIR:
   * there is no such directory. EOPNOTSUPP: without {@link Capability#STORAGE_DIRECTORY}.
   */
  void appendStorageDirectory(Path directory, long limit) throws BlksnapException;

  /**
   * Gives memory, for tests and small devices; it does not outlive the process. EINVAL: not a
   * multiple of 512 above 0. ENOMEM: the process may not have so much. EOPNOTSUPP: without {@link
   * Capability#STORAGE_MEMORY}.
   */
  void appendStorageMemory(long bytes) throws BlksnapException;

  /**
   * Gives a place of any kind, as the three above do; also the engine's own choice, for which
   * ENOSPC: there is no space left where that lies.
   */
  void give(StorageGrant grant) throws BlksnapException;

  /**
   * Takes it: one moment for all devices. ENODEV: no device. EALREADY: taken before. EFAULT: no
   * storage. Any other failure: all is put back, no image appears.
   */
  TakeResult take() throws BlksnapException;

  /** One entry a device, in the order they were added. */
  List<ImageInfo> info() throws BlksnapException;

  /** Empty before the take. */
  List<SnapshotImage> images();

  /**
   * The image of a device, by the device's name. ENODEV: the device is not in this snapshot.
   * EAGAIN: it is not taken yet, or the device is not attached now. ESRCH: destroyed.
   */
  default SnapshotImage image(String device) throws BlksnapException {
    for (SnapshotImage image : images()) {
      if (image.device().equals(device)) {
        return image;
      }
    }
    if (state() == SnapshotState.DESTROYED) {
      throw new BlksnapException(Errno.ESRCH, "snapshot " + id() + " was destroyed");
    }
    if (!devices().contains(device)) {
      throw new BlksnapException(
          Errno.ENODEV,
          "device " + device + " is not in snapshot " + id() + "; allowed are " + devices());
    }
    throw new BlksnapException(
        Errno.EAGAIN,
        "snapshot "
            + id()
            + " has no image of device "
            + device
            + " now: it is "
            + (taken().isEmpty() ? "not taken yet" : "taken, but the device is not attached"));
  }

  /** The difference storage now. */
  StorageStatus storage() throws BlksnapException;

  /** Subscriptions of one snapshot that may be open at once. */
  int MOST_SUBSCRIPTIONS = 64;

  /**
   * Takes the oldest event off the snapshot's one queue, waiting for one ({@code wait_event}).
   * {@link BlksnapEvent.LowFreeSpace} and {@link BlksnapEvent.Corrupted} lie there from the
   * snapshot's creation on, until somebody takes them: an event goes to one of those who wait. To
   * see every event whoever else waits, {@link #subscribe} instead. At most {@link
   * EventSubscription#CAPACITY} events lie there, by the rule that is told there.
   *
   * <p>ENOENT: none came in time; a timeout of zero or less asks once. EINTR: interrupted. ESRCH:
   * destroyed, also while waiting. ESHUTDOWN: the engine has stopped, also while waiting; where it
   * was updated, its successor knows the snapshot.
   */
  BlksnapEvent.OfSnapshot waitEvent(Duration timeout) throws BlksnapException;

  /**
   * A queue of the caller's own, which sees every event from now on and, first, those that nobody
   * has taken by {@link #waitEvent} yet; it takes none of them away. To be closed by the caller.
   * EAGAIN: {@link #MOST_SUBSCRIPTIONS} are open. ESHUTDOWN: the engine has stopped.
   */
  EventSubscription subscribe() throws BlksnapException;

  /**
   * Takes this very event off the queue behind {@link #waitEvent}: for a subscriber that has dealt
   * with it, so that nobody else need. Answers whether it lay there; it does not once somebody has
   * taken it, the snapshot is destroyed, or the engine has stopped. Never waits.
   */
  boolean acknowledge(BlksnapEvent.OfSnapshot event);

  /**
   * Releases images and storage; the devices stay attached and tracked. Idempotent. ESHUTDOWN: the
   * engine has stopped, and the snapshot is its successor's: destroy it there, by its id.
   */
  void destroy() throws BlksnapException;
}
