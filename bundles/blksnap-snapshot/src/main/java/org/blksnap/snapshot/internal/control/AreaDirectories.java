// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.blksnap.enginebase.record.StateDirectory;
import org.blksnap.snapshot.internal.record.HotState;

/**
 * Where the diff areas of one snapshot lie, each in a directory of its own: in memory, or on disk
 * where it did not fit. Under the engine's control lock.
 */
public final class AreaDirectories {
  private final HotState hot;
  private final Path snapshot;

  /** {@code snapshot} is the snapshot's directory on disk. */
  AreaDirectories(HotState hot, Path snapshot) {
    this.hot = hot;
    this.snapshot = snapshot;
  }

  private Path inMemory(String device) {
    return hot.of(snapshot).resolve("area-" + device);
  }

  private Path onDisk(String device) {
    return snapshot.resolve("area-" + device);
  }

  /** Where the device's area is. */
  public Path of(String device) {
    Path inMemory = inMemory(device);
    Path onDisk = onDisk(device);
    return Files.isDirectory(onDisk) && !Files.isDirectory(inMemory) ? onDisk : inMemory;
  }

  /** An empty one that will hold so many bytes. */
  Path make(String device, long bytes) throws IOException {
    Path onDisk = onDisk(device);
    Path inMemory = inMemory(device);
    StateDirectory.removeTree(onDisk);
    StateDirectory.removeTree(inMemory);
    return Files.createDirectories(inMemory.equals(onDisk) || hot.room(bytes) ? inMemory : onDisk);
  }

  /** Needs no space: an image without its chunks is as little trusted as one lost on record. */
  void drop(String device) {
    StateDirectory.removeQuietly(inMemory(device));
    StateDirectory.removeQuietly(onDisk(device));
  }
}
