// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.FollowingDevice;

/**
 * Finds a device or an image again after its engine was replaced: for {@link FollowingDevice}. What
 * is found is the same thing, not another one of the same name: a device of the same identity, an
 * image of the same snapshot. While there is no engine, the first request that finds its device
 * gone waits for one; those that come meanwhile share that wait. Any thread.
 */
public final class EngineFollower {
  private static final long LOOK_MILLIS = 20;

  private final Supplier<SnapshotService> engine;
  private final Duration patience;

  /**
   * @param engine the engine as it is now; null or a failure while there is none
   * @param patience how long a successor is waited for
   */
  public EngineFollower(Supplier<SnapshotService> engine, Duration patience) {
    this.engine = engine;
    this.patience = patience;
  }

  /** The device, used on over updates of its engine. */
  public FollowingDevice follow(AttachedDevice device) {
    String name = device.name();
    String identity = device.identity();
    return new FollowingDevice(
        device,
        gone ->
            await(
                gone,
                now ->
                    now.device(name)
                        .filter(next -> next.identity().equals(identity))
                        .map(next -> next)));
  }

  /** The image, used on over updates of its engine. */
  public FollowingDevice follow(SnapshotImage image) {
    String name = image.name();
    UUID snapshot = image.snapshot();
    return new FollowingDevice(
        image,
        gone ->
            await(
                gone,
                now ->
                    now.image(name)
                        .filter(next -> next.snapshot().equals(snapshot))
                        .map(next -> next)));
  }

  /**
   * An engine that answered with the one that is gone may be on its way out: it is looked again. So
   * it is where the engine went while it was asked. One that stays and knows nothing of it says so
   * for good.
   */
  private Optional<BlockDevice> await(
      BlockDevice gone, Function<SnapshotService, Optional<BlockDevice>> find) {
    long begin = System.nanoTime();
    while (true) {
      SnapshotService now = present();
      if (now != null) {
        Optional<BlockDevice> found = find.apply(now);
        if (found.isPresent() ? found.get() != gone : now.equals(present())) {
          return found;
        }
      }
      if (patience.minusNanos(System.nanoTime() - begin).isNegative()) {
        return Optional.empty();
      }
      try {
        Thread.sleep(LOOK_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return Optional.empty();
      }
    }
  }

  private SnapshotService present() {
    try {
      return engine.get();
    } catch (RuntimeException e) {
      return null;
    }
  }
}
