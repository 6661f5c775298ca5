// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.FollowingDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EngineFollowerTest {
  /** Longer than the test may take: nothing here waits it out. */
  private static final Duration LONG = Duration.ofSeconds(Long.MAX_VALUE);

  private static final UUID SNAPSHOT = new UUID(1, 2);

  /** An image that works, or is gone. */
  private record Image(UUID snapshot, boolean works) {
    String name() {
      return "image";
    }

    void flush() throws BlksnapException {
      if (!works) {
        throw new BlksnapException(Errno.ESTALE, "gone");
      }
    }

    SnapshotImage asImage() {
      return Doubles.of(SnapshotImage.class, this);
    }
  }

  /** An engine with at most one image. */
  private static class Holder {
    SnapshotImage held;

    Optional<SnapshotImage> image(String name) {
      return Optional.ofNullable(held);
    }
  }

  private final AtomicReference<SnapshotService> present = new AtomicReference<>();
  private final SnapshotImage dead = new Image(SNAPSHOT, false).asImage();
  private final SnapshotImage next = new Image(SNAPSHOT, true).asImage();

  private static SnapshotService engine(Holder holder) {
    return Doubles.of(SnapshotService.class, holder);
  }

  private static SnapshotService engine(SnapshotImage image) {
    Holder holder = new Holder();
    holder.held = image;
    return engine(holder);
  }

  private FollowingDevice followed(Duration patience) {
    return new EngineFollower(present::get, patience).follow(dead);
  }

  private static Errno refused(BlockDevice device) {
    return assertThrows(BlksnapException.class, device::flush).errno();
  }

  @Test
  void theImageOfTheNextEngineGoesOn() throws Exception {
    present.set(engine(next));
    FollowingDevice device = followed(LONG);
    device.flush();
    assertSame(next, device.present());
  }

  @Test
  void anEngineThatKnowsNothingOfItSaysSoAtOnce() {
    present.set(engine((SnapshotImage) null));
    assertEquals(Errno.ESHUTDOWN, refused(followed(LONG)));
  }

  @Test
  void anImageOfAnotherSnapshotIsAnotherThing() {
    present.set(engine(new Image(new UUID(3, 4), true).asImage()));
    assertEquals(Errno.ESHUTDOWN, refused(followed(LONG)));
  }

  @Test
  void anEngineThatGoesWhileItIsAskedHasNotSaidSoForGood() throws Exception {
    Holder leaving =
        new Holder() {
          @Override
          Optional<SnapshotImage> image(String name) {
            present.set(engine(next));
            return Optional.empty();
          }
        };
    present.set(
        Doubles.of(
            SnapshotService.class,
            new Object() {
              Optional<SnapshotImage> image(String name) {
                return leaving.image(name);
              }
            }));
    FollowingDevice device = followed(LONG);
    device.flush();
    assertSame(next, device.present());
  }

  @Test
  void withoutAnEngineThePatienceEndsIt() {
    assertEquals(Errno.ESHUTDOWN, refused(followed(Duration.ofMillis(50))));
    assertEquals(Errno.ESHUTDOWN, refused(followed(Duration.ofMillis(-1))));
  }

  @Test
  void anInterruptEndsTheWait() {
    Thread.currentThread().interrupt();
    assertEquals(Errno.ESHUTDOWN, refused(followed(LONG)));
    Thread.interrupted();
  }
}
