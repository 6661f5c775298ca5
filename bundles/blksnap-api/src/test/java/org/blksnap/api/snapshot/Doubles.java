// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/** Doubles of interfaces of which a test needs a method or two; another one is an error. */
final class Doubles {
  private Doubles() {}

  /** Calls go to the methods of this name of {@code answers}; the interface's defaults stay. */
  static <T> T of(Class<T> type, Object answers) {
    InvocationHandler handler =
        (proxy, method, arguments) -> {
          switch (method.getName()) {
            case "equals":
              return proxy == arguments[0];
            case "hashCode":
              return System.identityHashCode(proxy);
            default:
          }
          try {
            var own =
                answers.getClass().getDeclaredMethod(method.getName(), method.getParameterTypes());
            own.setAccessible(true);
            return own.invoke(answers, arguments);
          } catch (NoSuchMethodException e) {
            if (method.isDefault()) {
              return InvocationHandler.invokeDefault(proxy, method, arguments);
            }
            throw new AssertionError("not expected: " + method, e);
          } catch (InvocationTargetException e) {
            throw e.getCause();
          }
        };
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }
}
