// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.storage.StorageProvider;
import org.blksnap.spi.tracker.TrackerProvider;

/**
 * Puts a {@link CallPlan} before a provider and before everything it makes: a provider's answers
 * are wrapped as long as they are interfaces of {@code org.blksnap.spi}.
 */
public final class Intercept {
  private Intercept() {}

  public static DeviceProvider device(DeviceProvider provider, CallPlan plan) {
    return wrap(DeviceProvider.class, provider, plan);
  }

  public static TrackerProvider tracker(TrackerProvider provider, CallPlan plan) {
    return wrap(TrackerProvider.class, provider, plan);
  }

  public static ChunkEngine chunk(ChunkEngine provider, CallPlan plan) {
    return wrap(ChunkEngine.class, provider, plan);
  }

  public static StorageProvider storage(StorageProvider provider, CallPlan plan) {
    return wrap(StorageProvider.class, provider, plan);
  }

  static <T> T wrap(Class<T> type, Object target, CallPlan plan) {
    Object proxy =
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> call(type, target, plan, method, arguments));
    return type.cast(proxy);
  }

  private static Object call(
      Class<?> type, Object target, CallPlan plan, Method method, Object[] arguments)
      throws Throwable {
    boolean ours = method.getDeclaringClass() != Object.class;
    if (ours) {
      String name = type.getSimpleName() + "." + method.getName();
      if (plan.before(name, mayFail(method)) == CallPlan.Fate.FORGET) {
        return null;
      }
    }
    try {
      Object answer = method.invoke(target, arguments);
      Class<?> answered = method.getReturnType();
      boolean wrapped =
          answer != null
              && answered.isInterface()
              && answered.getPackageName().startsWith("org.blksnap.spi.");
      return wrapped ? wrap(answered, answer, plan) : answer;
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static boolean mayFail(Method method) {
    return Arrays.stream(method.getExceptionTypes())
        .anyMatch(type -> type == IOException.class || type == BlksnapException.class);
  }
}
