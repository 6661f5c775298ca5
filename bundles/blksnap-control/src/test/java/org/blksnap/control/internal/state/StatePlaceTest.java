// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

@Timeout(60)
class StatePlaceTest {
  @TempDir Path directory;
  private final List<CheckedState> registered = new CopyOnWriteArrayList<>();
  private StatePlace place;

  @AfterEach
  void close() {
    if (place != null) {
      place.close();
    }
  }

  /** A framework that knows one property and keeps what is registered. */
  private BundleContext context() {
    return proxy(
        BundleContext.class,
        (name, arguments) ->
            switch (name) {
              case "getProperty" -> arguments[0].equals("karaf.data") ? directory.toString() : null;
              case "registerService" -> registration((CheckedState) arguments[1]);
              default -> throw new UnsupportedOperationException(name);
            });
  }

  private ServiceRegistration<?> registration(CheckedState state) {
    registered.add(state);
    return proxy(
        ServiceRegistration.class, (name, arguments) -> registered.remove(state) ? null : null);
  }

  private interface Answer {
    Object of(String name, Object[] arguments);
  }

  private static <T> T proxy(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> answer.of(method.getName(), arguments)));
  }

  private static Map<String, Object> at(Path path) {
    return Map.of("state_directory", path.toString());
  }

  @Test
  void withoutConfigurationTheStateIsBelowTheData() {
    place = new StatePlace(context(), Map.of());
    assertEquals(directory.resolve("blksnap"), registered.get(0).directory());
    assertEquals(List.of(), place.examine());
  }

  @Test
  void theEngineComesWhenTheMountDoesAndTheDoctorSaysWhyNotBefore() throws Exception {
    Path missing = directory.resolve("missing");
    place = new StatePlace(context(), at(missing));
    assertTrue(registered.isEmpty());
    assertTrue(place.examine().get(0).observation().contains(missing + " is not there"));
    Files.createDirectory(missing);
    while (registered.isEmpty()) {
      Thread.onSpinWait();
    }
    assertEquals(missing, registered.get(0).directory());
    while (!place.examine().isEmpty()) {
      Thread.onSpinWait();
    }
  }

  @Test
  void anotherDirectoryIsTheOnlyOneThenAndTheOldOneIsLeftForGood() throws Exception {
    place = new StatePlace(context(), Map.of());
    CheckedState old = registered.get(0);
    Path other = Files.createDirectory(directory.resolve("other"));
    place.modified(at(other));
    assertTrue(old.leftForGood());
    assertEquals(1, registered.size());
    assertEquals(other, registered.get(0).directory());
    assertFalse(registered.get(0).leftForGood());
  }

  @Test
  void aChangeOfSomethingElseLeavesTheEngineAlone() {
    place = new StatePlace(context(), Map.of());
    CheckedState before = registered.get(0);
    place.modified(Map.of("freeze_deadline_seconds", "20"));
    assertEquals(List.of(before), registered);
    assertFalse(before.leftForGood());
  }
}
