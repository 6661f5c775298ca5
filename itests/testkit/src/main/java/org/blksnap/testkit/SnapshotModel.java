// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;

/** A snapshot: its devices and, once taken, their images. */
public final class SnapshotModel {
  private final UUID id;
  private final StorageModel storage;
  private final Map<String, ImageModel> images = new LinkedHashMap<>();
  private boolean taken;
  private boolean growing;

  SnapshotModel(UUID id, long minimum) {
    this.id = id;
    this.storage = new StorageModel(minimum);
  }

  public UUID id() {
    return id;
  }

  public StorageModel storage() {
    return storage;
  }

  /** By device name, in the order they were added; the values are null before the take. */
  public Map<String, ImageModel> images() {
    return images;
  }

  public boolean taken() {
    return taken;
  }

  void becomeTaken() {
    taken = true;
  }

  /** True where it has a directory: then its storage is never over, and never exactly known. */
  public boolean growing() {
    return growing;
  }

  /** It was given a directory. */
  public void grow() {
    growing = true;
  }

  /** True where the engine may have lost images for want of space. */
  public boolean mayLoseImages() {
    return storage.overflown() && !growing;
  }
}
