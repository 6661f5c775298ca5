// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

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
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.api.snapshot.TakeResult;

/**
 * A snapshot in the kernel of which there is no record here: another program made it, or one of
 * ours was killed before it wrote that down. The kernel tells its id and nothing else by that, so
 * it can be seen and destroyed. Its events are its maker's, who may still be there: none is taken.
 */
final class ForeignSnapshot implements Snapshot {
  /** Ends it in the kernel. */
  interface End {
    void of(UUID id) throws BlksnapException;
  }

  private static final String WORDS =
      "another program made it in the kernel, which tells nothing of it but its id";

  private final UUID id;
  private final End end;
  private volatile boolean destroyed;

  ForeignSnapshot(UUID id, End end) {
    this.id = id;
    this.end = end;
  }

  private BlksnapException refused(String what) {
    return destroyed
        ? new BlksnapException(Errno.ESRCH, "snapshot " + id + " was destroyed")
        : new BlksnapException(
            Errno.EOPNOTSUPP,
            what + " of snapshot " + id + " refused: " + WORDS + "; it can be destroyed");
  }

  @Override
  public UUID id() {
    return id;
  }

  @Override
  public String owner() {
    return "";
  }

  @Override
  public String label() {
    return "";
  }

  @Override
  public boolean orphaned() {
    return true;
  }

  /** Whether it is taken is not told. */
  @Override
  public SnapshotState state() {
    return destroyed ? SnapshotState.DESTROYED : SnapshotState.CREATED;
  }

  /** Not told. */
  @Override
  public Instant created() {
    return Instant.EPOCH;
  }

  @Override
  public Optional<Instant> taken() {
    return Optional.empty();
  }

  @Override
  public Optional<Consistency> consistency() {
    return Optional.empty();
  }

  @Override
  public List<String> consistencyReasons() {
    return List.of(WORDS);
  }

  @Override
  public List<String> devices() {
    return List.of();
  }

  @Override
  public void addDevice(String device) throws BlksnapException {
    throw refused("another device");
  }

  @Override
  public void appendStorage(Path path, List<ByteRange> ranges) throws BlksnapException {
    throw refused("more storage");
  }

  @Override
  public void appendStorageDirectory(Path directory, long limit) throws BlksnapException {
    throw refused("more storage");
  }

  @Override
  public void appendStorageMemory(long bytes) throws BlksnapException {
    throw refused("more storage");
  }

  @Override
  public void give(StorageGrant grant) throws BlksnapException {
    throw refused("more storage");
  }

  @Override
  public TakeResult take() throws BlksnapException {
    throw refused("the take");
  }

  @Override
  public List<ImageInfo> info() throws BlksnapException {
    if (destroyed) {
      throw refused("the report");
    }
    return List.of();
  }

  @Override
  public List<SnapshotImage> images() {
    return List.of();
  }

  @Override
  public StorageStatus storage() throws BlksnapException {
    if (destroyed) {
      throw refused("the storage");
    }
    return new StorageStatus(0, 0, 0, 0, false, List.of(WORDS));
  }

  @Override
  public BlksnapEvent.OfSnapshot waitEvent(Duration timeout) throws BlksnapException {
    throw refused("an event");
  }

  @Override
  public EventSubscription subscribe() throws BlksnapException {
    throw refused("events");
  }

  @Override
  public boolean acknowledge(BlksnapEvent.OfSnapshot event) {
    return false;
  }

  @Override
  public void destroy() throws BlksnapException {
    if (!destroyed) {
      end.of(id);
      destroyed = true;
    }
  }
}
