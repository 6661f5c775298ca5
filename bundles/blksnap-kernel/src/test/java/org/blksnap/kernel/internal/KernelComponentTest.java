// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StateLocation;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceFactory;
import org.osgi.framework.ServiceRegistration;

/** The engine comes and goes with the module, and nothing has to be restarted for it. */
class KernelComponentTest {
  private static final Duration SOON = Duration.ofSeconds(10);

  private MemoryHouse house;
  private KernelComponent component;
  private volatile boolean left;

  /** By class name; what was unregistered is gone from it. */
  private final Map<String, Object> services = new ConcurrentHashMap<>();

  @BeforeEach
  void begin() throws IOException {
    house = new MemoryHouse();
    house.kernel.unload();
    component = new KernelComponent(context());
    component.begin();
  }

  @AfterEach
  void end() throws IOException {
    component.close();
    house.close();
  }

  private BundleContext context() {
    return (BundleContext)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {BundleContext.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "registerService" ->
                      register(
                          arguments[0] instanceof Class<?> one
                              ? one.getName()
                              : ((String[]) arguments[0])[0],
                          arguments[1]);
                  case "getBundles" -> new Bundle[0];
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private Object register(String name, Object service) {
    services.put(name, service);
    return Proxy.newProxyInstance(
        getClass().getClassLoader(),
        new Class<?>[] {ServiceRegistration.class},
        (proxy, method, arguments) -> services.remove(name, service));
  }

  private StateLocation location(Path directory) {
    return new StateLocation() {
      @Override
      public Path directory() {
        return directory;
      }

      @Override
      public String hotDirectoryChoice() {
        return "";
      }

      @Override
      public boolean leftForGood() {
        return left;
      }
    };
  }

  private void provideAll() {
    component.provide(house.host);
    component.bindProbe(house.kernel);
    component.bindState(location(house.directory.resolve("state")));
  }

  private boolean works() {
    return services.containsKey(SnapshotService.class.getName());
  }

  /** What a bundle gets. */
  private SnapshotService service() {
    Bundle bundle =
        (Bundle)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Bundle.class},
                (proxy, method, arguments) -> "org.who");
    return (SnapshotService)
        ((ServiceFactory<?>) services.get(SnapshotService.class.getName()))
            .getService(bundle, null);
  }

  private List<String> observations() {
    return component.examine().stream().map(Finding::observation).toList();
  }

  @Test
  void withoutAModuleNothingIsRegisteredAndTheDoctorSaysWhatToDo() throws Exception {
    provideAll();
    MemoryHouse.until(
        SOON,
        "the doctor says so",
        () -> observations().stream().anyMatch(o -> o.startsWith("no module is loaded")));
    assertTrue(component.examine().get(0).remedy().contains("modprobe"));
    assertFalse(works());
  }

  @Test
  void aModuleThatIsLoadedIsFoundAndOneThatIsUnloadedIsLeft() throws Exception {
    provideAll();
    house.kernel.load();
    MemoryHouse.until(SOON, "the engine comes", this::works);
    assertEquals("kernel", service().engine());
    assertTrue(observations().get(0).contains("is loaded"), observations().toString());
    house.kernel.unload();
    MemoryHouse.until(SOON, "the engine goes", () -> !works());
    house.kernel.load();
    MemoryHouse.until(SOON, "the engine comes again", this::works);
  }

  @Test
  void theEngineStaysWhileItsBridgeIsSwapped() throws Exception {
    provideAll();
    house.kernel.load();
    MemoryHouse.until(SOON, "the engine comes", this::works);
    Object before = services.get(SnapshotService.class.getName());
    var id = service().create().id();
    component.unbindProbe(house.kernel);
    assertTrue(observations().get(0).contains("not running"), observations().toString());
    assertEquals(List.of(id), service().collect());
    component.bindProbe(house.kernel);
    service().destroy(id);
    assertSame(before, services.get(SnapshotService.class.getName()));
  }

  @Test
  void aModuleThatHasNothingOfOursIsLetGoOfAndAskedAgain() throws Exception {
    provideAll();
    house.kernel.load();
    MemoryHouse.until(SOON, "the engine comes", this::works);
    MemoryHouse.until(SOON, "its node is closed", () -> house.kernel.bridges() == 0);
    var id = service().create().id();
    assertEquals(1, house.kernel.bridges());
    Thread.sleep(2 * KernelComponent.LOOK_MILLIS);
    assertEquals(1, house.kernel.bridges());
    service().destroy(id);
    MemoryHouse.until(SOON, "its node is closed", () -> house.kernel.bridges() == 0);
    assertTrue(works());
    assertEquals(List.of(), service().collect());
  }

  @Test
  void whatABundleMakesIsItsOwn() throws Exception {
    provideAll();
    house.kernel.load();
    MemoryHouse.until(SOON, "the engine comes", this::works);
    assertEquals("org.who", service().create().owner());
  }

  @Test
  void aStateDirectoryThatIsLeftForGoodIsLet() throws Exception {
    provideAll();
    house.kernel.load();
    MemoryHouse.until(SOON, "the engine comes", this::works);
    Object before = services.get(SnapshotService.class.getName());
    left = true;
    MemoryHouse.until(SOON, "the engine goes", () -> !works());
    left = false;
    MemoryHouse.until(SOON, "the next one comes", this::works);
    assertNotSame(before, services.get(SnapshotService.class.getName()));
  }

  @Test
  void whileTheStateDirectoryIsUsedByAnotherTheDoctorSaysSo() throws Exception {
    house.kernel.load();
    house.engine();
    try {
      provideAll();
      MemoryHouse.until(
          SOON,
          "the doctor says so",
          () -> observations().stream().anyMatch(o -> o.contains("in use by another instance")));
      assertFalse(works());
    } finally {
      house.leave();
    }
    MemoryHouse.until(SOON, "the engine comes", this::works);
  }
}
