// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** Doubles of interfaces, and their refusals. */
final class Doubles {
  private Doubles() {}

  /** A double of an interface of which a few methods are needed; another one is an error. */
  static <T> T of(Class<T> type, Object answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              try {
                var own =
                    answers
                        .getClass()
                        .getDeclaredMethod(method.getName(), method.getParameterTypes());
                own.setAccessible(true);
                return own.invoke(answers, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  static BlksnapException refused(Errno errno) {
    return new BlksnapException(errno, "refused by the model");
  }
}
