// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.blksnap.api.snapshot.AttachedDevice;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ExportsTest {
  private static final String ENGINE = "userspace";

  private final Exports exports = new Exports(Duration.ofMillis(50), Duration.ofSeconds(20));
  private final FakeDevice device = new FakeDevice("disk", 1 << 20);
  private final FakeSnapshotService engine = new FakeSnapshotService(device);
  private Target target;

  @BeforeEach
  void engineIsUpdated() {
    exports.arrived(ENGINE, engine);
    target = exports.find("disk").orElseThrow();
    exports.left(ENGINE, engine);
  }

  @Test
  void aNegotiationDoesNotWaitLongForAnEngine() {
    assertTrue(exports.find("disk").isEmpty());
  }

  @Test
  void aRequestUnderWayWaitsLongerThanANegotiation() throws Exception {
    CompletableFuture<Optional<Target>> again =
        CompletableFuture.supplyAsync(() -> exports.again(target, device));
    assertTrue(exports.find("disk").isEmpty());
    FakeDevice next = new FakeDevice("disk", device.bytes);
    exports.arrived(ENGINE, new FakeSnapshotService(next));
    assertSame(next, again.get().orElseThrow().device());
  }

  /** One that is asked in the very moment looks again. */
  @Test
  void anEngineThatComesWhileOthersAreAskedIsAskedToo() {
    FakeDevice late = new FakeDevice("late", 512);
    exports.arrived(
        "other",
        new FakeSnapshotService() {
          @Override
          public List<AttachedDevice> devices() {
            exports.arrived(ENGINE, new FakeSnapshotService(late));
            return List.of();
          }
        });
    assertSame(late, exports.find("late").orElseThrow().device());
  }
}
