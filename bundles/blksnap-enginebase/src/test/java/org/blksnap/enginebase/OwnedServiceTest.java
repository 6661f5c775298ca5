// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.junit.jupiter.api.Test;

class OwnedServiceTest {
  private final List<String> owners = new ArrayList<>();

  private SnapshotService engine() {
    return (SnapshotService)
        Proxy.newProxyInstance(
            SnapshotService.class.getClassLoader(),
            new Class<?>[] {SnapshotService.class},
            (proxy, method, arguments) -> {
              owners.add(((SnapshotRequest) arguments[0]).owner());
              return null;
            });
  }

  @Test
  void whatABundleAsksForIsItsOwnUnlessItSaysOtherwise() throws Exception {
    SnapshotService mine = new OwnedService(engine(), "org.mine");
    mine.create(SnapshotRequest.of("disk"));
    mine.create();
    mine.take(SnapshotRequest.of("disk").ownedBy("org.other"));
    assertEquals(List.of("org.mine", "org.mine", "org.other"), owners);
  }

  @Test
  void aBundleWithoutANameOwnsNothing() throws Exception {
    new OwnedService(engine(), "").take(SnapshotRequest.of("disk"));
    assertEquals(List.of(""), owners);
  }

  @Test
  void aBundleThatGetsItAgainHasAnEqualOne() {
    SnapshotService engine = engine();
    assertEquals(new OwnedService(engine, "a"), new OwnedService(engine, "a"));
    assertEquals(
        new OwnedService(engine, "a").hashCode(), new OwnedService(engine, "a").hashCode());
    assertNotEquals(new OwnedService(engine, "a"), new OwnedService(engine, "b"));
    assertNotEquals(new OwnedService(engine, "a"), new OwnedService(engine(), "a"));
  }
}
