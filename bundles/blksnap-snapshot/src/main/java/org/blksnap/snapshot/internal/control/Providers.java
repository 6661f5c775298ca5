// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.storage.StorageProvider;
import org.blksnap.spi.tracker.TrackerProvider;

/**
 * The providers there are now; each may be away for a moment. Written under the engine's control
 * lock, read anywhere.
 */
public final class Providers {
  private volatile DeviceProvider device;
  private volatile TrackerProvider tracker;
  private volatile ChunkEngine chunk;
  private volatile StorageProvider storage;

  public DeviceProvider device() throws BlksnapException {
    return present(device, Room.DEVICE);
  }

  TrackerProvider tracker() throws BlksnapException {
    return present(tracker, Room.TRACKER);
  }

  public ChunkEngine chunk() throws BlksnapException {
    return present(chunk, Room.CHUNK);
  }

  public StorageProvider storage() throws BlksnapException {
    return present(storage, Room.STORAGE);
  }

  private static <T> T present(T provider, Room room) throws BlksnapException {
    if (provider == null) {
      throw new BlksnapException(
          Errno.ESHUTDOWN,
          "the "
              + room.bundle()
              + " bundle is not running; start it (bundle:list, bundle:start) and try again");
    }
    return provider;
  }

  public Object get(Room room) {
    return switch (room) {
      case DEVICE -> device;
      case TRACKER -> tracker;
      case CHUNK -> chunk;
      case STORAGE -> storage;
    };
  }

  public void set(Room room, Object provider) {
    switch (room) {
      case DEVICE -> device = (DeviceProvider) provider;
      case TRACKER -> tracker = (TrackerProvider) provider;
      case CHUNK -> chunk = (ChunkEngine) provider;
      case STORAGE -> storage = (StorageProvider) provider;
    }
  }

  public boolean complete() {
    return device != null && tracker != null && chunk != null && storage != null;
  }
}
