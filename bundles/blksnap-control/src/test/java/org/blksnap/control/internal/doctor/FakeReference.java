// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import java.util.Dictionary;
import java.util.Hashtable;
import java.util.Map;
import org.osgi.framework.Bundle;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;

/** Properties, in the framework's order: by ranking. */
final class FakeReference<S> implements ServiceReference<S> {
  private final Map<String, ?> properties;

  FakeReference(Map<String, ?> properties) {
    this.properties = properties;
  }

  @Override
  public Object getProperty(String key) {
    return properties.get(key);
  }

  @Override
  public String[] getPropertyKeys() {
    return properties.keySet().toArray(String[]::new);
  }

  @Override
  public Dictionary<String, Object> getProperties() {
    return new Hashtable<>(properties);
  }

  @Override
  public int compareTo(Object other) {
    return Integer.compare(ranking(this), ranking((ServiceReference<?>) other));
  }

  private static int ranking(ServiceReference<?> reference) {
    return reference.getProperty(Constants.SERVICE_RANKING) instanceof Integer r ? r : 0;
  }

  @Override
  public Bundle getBundle() {
    return null;
  }

  @Override
  public Bundle[] getUsingBundles() {
    return new Bundle[0];
  }

  @Override
  public boolean isAssignableTo(Bundle bundle, String className) {
    return true;
  }

  @Override
  public <A> A adapt(Class<A> type) {
    return null;
  }
}
