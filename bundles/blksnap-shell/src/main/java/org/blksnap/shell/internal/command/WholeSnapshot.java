// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.TakeResult;
import org.blksnap.shell.internal.lookup.Engines;
import org.blksnap.shell.internal.lookup.Locator;
import org.blksnap.shell.internal.show.SnapshotRow;
import org.blksnap.shell.internal.show.TakenRow;

/**
 * Create, add, give storage and take, as one step that happens wholly or not at all: whatever
 * fails, the snapshot is destroyed again. The storage is a directory below the state directory
 * unless one other place was named.
 */
final class WholeSnapshot {
  /** Least room given by default, where the disk has it: one portion of the default size. */
  static final long LEAST_LIMIT = Parameter.DIFF_STORAGE_MINIMUM.defaultValue() * ByteRange.SECTOR;

  private final Path stateDirectory;
  private final List<String> places = new ArrayList<>();
  private Path path;
  private Path directory;
  private long memory;
  private long limit;

  WholeSnapshot(Path stateDirectory) {
    this.stateDirectory = stateDirectory;
  }

  void onPath(Path fileOrDevice) {
    path = fileOrDevice;
    places.add("--storage");
  }

  void inMemory(long bytes) {
    memory = bytes;
    places.add("--memory");
  }

  void inDirectory(Path place) {
    directory = place;
    places.add("--directory");
  }

  void upTo(long bytes) {
    limit = bytes;
  }

  TakenRow take(Locator locator, List<String> names) throws IOException {
    if (places.size() > 1 || (limit > 0 && (path != null || memory > 0))) {
      throw new BlksnapException(
          Errno.EINVAL,
          "storage "
              + places
              + (limit > 0 ? " with --limit" : "")
              + " refused: allowed is one of --directory, --storage and --memory; --limit goes with"
              + " a directory");
    }
    List<Locator.Found<AttachedDevice>> devices = new ArrayList<>();
    for (String name : names) {
      devices.add(locator.device(name));
    }
    Engines.Engine engine = devices.get(0).engine();
    for (Locator.Found<AttachedDevice> device : devices) {
      if (!device.engine().name().equals(engine.name())) {
        throw new BlksnapException(
            Errno.EINVAL,
            "devices "
                + names
                + " refused: they belong to several engines; allowed is one engine a snapshot");
      }
    }
    Snapshot snapshot = engine.service().create();
    try {
      for (Locator.Found<AttachedDevice> device : devices) {
        snapshot.addDevice(device.what().name());
      }
      giveStorage(snapshot, devices);
      TakeResult result = snapshot.take();
      return TakenRow.of(
          locator.engines(), SnapshotRow.of(new Locator.Found<>(engine, snapshot)), result);
    } catch (Throwable e) {
      undo(snapshot, e);
      throw e;
    }
  }

  private void giveStorage(Snapshot snapshot, List<Locator.Found<AttachedDevice>> devices)
      throws IOException {
    if (path != null) {
      snapshot.appendStorage(path, List.of());
    } else if (memory > 0) {
      snapshot.appendStorageMemory(memory);
    } else {
      Path place = directory == null ? DefaultStorage.made(stateDirectory) : directory;
      snapshot.appendStorageDirectory(place, limit > 0 ? limit : defaultLimit(place, devices));
    }
  }

  /** All that can ever be saved, but no more than half of what is free there. */
  private static long defaultLimit(Path place, List<Locator.Found<AttachedDevice>> devices)
      throws IOException {
    long everything = devices.stream().mapToLong(d -> d.what().capacity()).sum();
    long half = Files.getFileStore(place).getUsableSpace() / 2;
    return Math.min(Math.max(everything, LEAST_LIMIT), half) / ByteRange.SECTOR * ByteRange.SECTOR;
  }

  /** After an Error too: what is half made would hold its devices. */
  private static void undo(Snapshot snapshot, Throwable cause) throws BlksnapException {
    try {
      snapshot.destroy();
    } catch (Throwable e) {
      BlksnapException both =
          new BlksnapException(
              BlksnapException.errnoOf(cause),
              cause.getMessage()
                  + "; undoing it failed as well ("
                  + e.getMessage()
                  + "): destroy it with blksnap:snapshot-destroy "
                  + snapshot.id(),
              cause);
      both.addSuppressed(e);
      throw both;
    }
  }
}
