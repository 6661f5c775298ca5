// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.parameter;

import java.io.IOException;
import java.util.Collections;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Parameter;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

/** The parameters as a person wrote them: PID {@code org.blksnap.parameters.kernel}. No state. */
public final class Configured {
  public static final String PID = "org.blksnap.parameters.kernel";

  private final Supplier<ConfigurationAdmin> admin;

  /** {@code admin} answers null where there is none. */
  public Configured(Supplier<ConfigurationAdmin> admin) {
    this.admin = admin;
  }

  /** By the module's names; what is not there is not configured. */
  Map<String, String> all() throws IOException {
    Map<String, String> all = new TreeMap<>();
    ConfigurationAdmin now = admin.get();
    Dictionary<String, Object> properties =
        now == null ? null : now.getConfiguration(PID, "?").getProperties();
    if (properties != null) {
      for (String key : Collections.list(properties.keys())) {
        if (Parameter.ofKey(key).isPresent()) {
          all.put(key, String.valueOf(properties.get(key)).trim());
        }
      }
    }
    return all;
  }

  /** Kept for the next life of the module. EIO where it is not. */
  void keep(Parameter parameter, long value) throws BlksnapException {
    ConfigurationAdmin now = admin.get();
    if (now == null) {
      return;
    }
    try {
      Configuration configuration = now.getConfiguration(PID, "?");
      Dictionary<String, Object> properties = configuration.getProperties();
      if (properties == null) {
        properties = new Hashtable<>();
      }
      properties.put(parameter.key(), Long.toString(value));
      configuration.update(properties);
    } catch (IOException | IllegalStateException e) {
      throw new BlksnapException(
          Errno.EIO,
          parameter.key()
              + " = "
              + value
              + " is in force, but was not kept for the next start: "
              + e,
          e);
    }
  }
}
