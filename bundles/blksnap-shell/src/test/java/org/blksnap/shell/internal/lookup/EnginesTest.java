// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.SnapshotService;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Constants;

class EnginesTest {
  private static final Map<String, Object> USERSPACE = Map.of(SnapshotService.ENGINE, "userspace");

  private static Engines engines(Duration wait) {
    return new Engines(wait);
  }

  @Test
  void callWaitsForAnEngineThatComesBack() throws Exception {
    Engines engines = engines(Duration.ofSeconds(30));
    FakeEngine engine = new FakeEngine();
    CompletableFuture<Object> found = new CompletableFuture<>();
    Thread caller =
        new Thread(
            () -> {
              try {
                found.complete(engines.chosen(null).service());
              } catch (BlksnapException e) {
                found.completeExceptionally(e);
              }
            });
    caller.start();
    while (caller.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    engines.addEngine(engine, USERSPACE);
    assertSame(engine, found.get(10, TimeUnit.SECONDS));
    caller.join();
  }

  @Test
  void waitForAnAbsentServiceIsBounded() {
    Engines engines = engines(Duration.ofMillis(20));
    assertEquals(
        Errno.ESHUTDOWN,
        assertThrows(BlksnapException.class, () -> engines.parameters(null)).errno());
    assertEquals(Errno.ESHUTDOWN, assertThrows(BlksnapException.class, engines::exports).errno());
    assertEquals(Errno.ESHUTDOWN, assertThrows(BlksnapException.class, engines::doctor).errno());
  }

  @Test
  void higherRankingWinsWhileTwoProvidersStandSideBySide() throws Exception {
    Engines engines = engines(Duration.ZERO);
    FakeEngine old = new FakeEngine();
    FakeEngine next = new FakeEngine();
    engines.addEngine(
        next, Map.of(SnapshotService.ENGINE, "userspace", Constants.SERVICE_RANKING, 100));
    engines.addEngine(old, USERSPACE);
    assertSame(next, engines.chosen(null).service());
    engines.removeEngine(next);
    assertSame(old, engines.chosen(null).service());
  }

  @Test
  void userspaceIsPreferredAndTheOnlyOneServesOtherwise() throws Exception {
    Engines engines = engines(Duration.ZERO);
    FakeEngine kernel = new FakeEngine();
    engines.addEngine(kernel, Map.of(SnapshotService.ENGINE, "kernel"));
    assertSame(kernel, engines.chosen(null).service());
    engines.addEngine(new FakeEngine(), USERSPACE);
    assertEquals("userspace", engines.chosen(null).name());
    assertSame(kernel, engines.chosen("kernel").service());
  }

  @Test
  void lateUnbindOfAReplacedServiceChangesNothing() throws Exception {
    Engines engines = engines(Duration.ZERO);
    FakeParameters old = new FakeParameters();
    FakeParameters next = new FakeParameters();
    engines.addParameters(old, USERSPACE);
    engines.addParameters(next, USERSPACE);
    engines.removeParameters(old);
    assertSame(next, engines.parameters(null));
    engines.removeParameters(next);
    assertTrue(engines.presentParameters().isEmpty());
    assertEquals(List.of(), engines.present());
  }

  @Test
  void eachEngineHasParametersOfItsOwn() throws Exception {
    Engines engines = engines(Duration.ZERO);
    FakeParameters kernel = new FakeParameters();
    FakeParameters userspace = new FakeParameters();
    engines.addParameters(kernel, Map.of(SnapshotService.ENGINE, "kernel"));
    assertSame(kernel, engines.parameters(null));
    engines.addParameters(userspace, USERSPACE);
    assertSame(userspace, engines.parameters(null));
    assertSame(kernel, engines.parameters("kernel"));
    assertEquals(
        Errno.ESHUTDOWN,
        assertThrows(BlksnapException.class, () -> engines.parameters("other")).errno());
  }
}
