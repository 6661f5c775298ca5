// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.StateLocation;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

class GroundKeeperTest {
  private static final Path HERE = Path.of("/state/here");
  private static final Path THERE = Path.of("/state/there");

  private final List<Ground> registered = new ArrayList<>();
  private final GroundKeeper keeper = new GroundKeeper(context());
  private final Place here = new Place(HERE, "");
  private Ground ground;

  /** A place that was found, as another bundle registers it. */
  private static final class Place implements StateLocation {
    private final Path directory;
    private final String hot;
    boolean left;

    Place(Path directory, String hot) {
      this.directory = directory;
      this.hot = hot;
    }

    @Override
    public Path directory() {
      return directory;
    }

    @Override
    public String hotDirectoryChoice() {
      return hot;
    }

    @Override
    public boolean leftForGood() {
      return left;
    }
  }

  private BundleContext context() {
    return proxy(
        BundleContext.class,
        (name, arguments) -> {
          Ground found = (Ground) arguments[1];
          registered.add(found);
          return proxy(
              ServiceRegistration.class,
              (method, none) -> {
                registered.remove(found);
                return null;
              });
        });
  }

  /** A service in which every parameter has the value, by its default. */
  private static Parameters parameters(long value) {
    Map<Parameter, Long> values = new EnumMap<>(Parameter.class);
    for (Parameter parameter : Parameter.values()) {
      values.put(parameter, value);
    }
    return proxy(Parameters.class, (name, arguments) -> values);
  }

  private interface Answer {
    Object of(String name, Object[] arguments);
  }

  private static <T> T proxy(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) ->
                method.getDeclaringClass() == Object.class
                    ? self == arguments[0]
                    : answer.of(method.getName(), arguments)));
  }

  @BeforeEach
  void stand() {
    keeper.bindState(here);
    assertEquals(List.of(), registered, "not before it is active");
    keeper.begin();
    assertEquals(List.of(), registered, "not without parameters");
    keeper.bindParameters(parameters(17));
    ground = registered.get(0);
  }

  @Test
  void theEngineStandsWhereTheServiceSays() {
    assertEquals(HERE, ground.directory());
    assertEquals(17, ground.parameters().value(Parameter.CHUNK_MINIMUM_SHIFT));
  }

  @Test
  void theEngineGoesOnWhileTheServicesAreAwayAndWhenTheyComeAgain() {
    keeper.unbindState(here);
    assertSame(ground, registered.get(0));
    keeper.bindState(new Place(HERE, ""));
    assertEquals(List.of(ground), registered);
    assertFalse(ground.leftForGood());
  }

  @Test
  void aDirectoryLeftForGoodEndsTheEngine() {
    here.left = true;
    keeper.unbindState(here);
    assertEquals(List.of(), registered);
    assertTrue(ground.leftForGood());
    keeper.bindState(new Place(THERE, ""));
    assertEquals(THERE, registered.get(0).directory());
    assertFalse(registered.get(0).leftForGood());
  }

  @Test
  void anotherDirectoryConfiguredWhileTheBundleWasAwayEndsTheEngineForGood() {
    keeper.unbindState(here);
    keeper.bindState(new Place(THERE, ""));
    assertTrue(ground.leftForGood());
    assertEquals(1, registered.size());
    assertEquals(THERE, registered.get(0).directory());
  }

  @Test
  void anotherPlaceForMappedStateIsAnotherGround() {
    keeper.unbindState(here);
    keeper.bindState(new Place(HERE, "none"));
    assertTrue(ground.leftForGood());
    assertEquals("none", registered.get(0).hotChoice());
  }

  @Test
  void theServiceOfAnEarlierPlaceMayGoLate() {
    Place again = new Place(HERE, "");
    keeper.bindState(again);
    here.left = true;
    keeper.unbindState(here);
    assertEquals(List.of(ground), registered);
  }

  @Test
  void parametersAreTheServicesWhileItIsThereAndTheLastSeenElse() {
    Parameters first = parameters(18);
    keeper.bindParameters(first);
    assertEquals(18, ground.parameters().value(Parameter.CHUNK_MINIMUM_SHIFT));
    keeper.unbindParameters(first);
    assertEquals(18, ground.parameters().value(Parameter.CHUNK_MINIMUM_SHIFT));
    keeper.bindParameters(parameters(19));
    keeper.unbindParameters(first);
    assertEquals(19, ground.parameters().value(Parameter.CHUNK_MINIMUM_SHIFT));
  }

  @Test
  void aStopOfTheBundleLeavesTheStateToASuccessor() {
    keeper.close();
    assertEquals(List.of(), registered);
    assertFalse(ground.leftForGood());
  }
}
