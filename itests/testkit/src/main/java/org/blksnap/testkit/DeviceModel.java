// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.util.Arrays;

/** A live device: a byte array and its change map. */
public final class DeviceModel {
  private final String name;
  private final SizeRule tracking;
  private byte[] live;
  private ChangeMapModel changes;

  DeviceModel(String name, byte[] live, SizeRule tracking) {
    this.name = name;
    this.tracking = tracking;
    this.live = live;
    this.changes = new ChangeMapModel(live.length, blockSize(), 0);
  }

  private int blockSize() {
    return tracking.blockSize(live.length, 0);
  }

  public String name() {
    return name;
  }

  /** Its content, to be read and, by the engine's model, written. */
  public byte[] live() {
    return live;
  }

  public ChangeMapModel changes() {
    return changes;
  }

  /**
   * The device has another size now, and what is new is zero. All of it counts as changed since the
   * new generation's number 0: an image held meanwhile is older than the generation.
   */
  void resize(int capacity) {
    live = Arrays.copyOf(live, capacity);
    restartChanges();
  }

  /** A new generation while it is in use: as with another size. */
  void restartChanges() {
    renew();
    changes.mark(0, live.length);
  }

  /** A new generation. */
  public void renew() {
    changes = new ChangeMapModel(live.length, blockSize(), changes.generation() + 1);
  }
}
