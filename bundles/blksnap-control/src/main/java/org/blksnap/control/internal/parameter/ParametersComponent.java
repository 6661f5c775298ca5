// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.parameter;

import java.io.IOException;
import java.util.Collections;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.ParameterRange;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.SnapshotService;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ConfigurationEvent;
import org.osgi.service.cm.ConfigurationListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The userspace engine's parameters as ConfigAdmin knows them: PID {@code org.blksnap.parameters}.
 * A bad value never comes into force.
 */
@Component(
    service = {Parameters.class, ConfigurationListener.class},
    configurationPid = ParametersComponent.PID,
    property = SnapshotService.ENGINE + "=userspace")
@Designate(ocd = ParametersConfig.class)
public final class ParametersComponent implements Parameters, ConfigurationListener {
  static final String PID = "org.blksnap.parameters";

  private static final Logger LOG = LoggerFactory.getLogger(ParametersComponent.class);

  private final ParameterSet set = new ParameterSet(UserspaceRanges.ALL, this::keep);

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile ConfigurationAdmin configurations;

  @Activate
  public ParametersComponent(Map<String, Object> configured) {
    apply(configured);
  }

  /** Keeps the component as it is; {@link #configurationEvent} does the work. */
  @Modified
  void modified(Map<String, Object> configured) {
    LOG.debug("{}: {}", PID, configured);
  }

  /**
   * Each update is applied as the configuration is now. Declarative Services leave out an update
   * that, by the time they look, is again what they knew: a value set by hand in between, and not
   * through them, would stay in force.
   */
  @Override
  public void configurationEvent(ConfigurationEvent event) {
    ConfigurationAdmin admin = configurations;
    if (admin == null
        || event.getType() != ConfigurationEvent.CM_UPDATED
        || !PID.equals(event.getPid())) {
      return;
    }
    try {
      Dictionary<String, Object> properties = admin.getConfiguration(PID, "?").getProperties();
      if (properties != null) {
        Map<String, Object> configured = new HashMap<>();
        for (String key : Collections.list(properties.keys())) {
          configured.put(key, properties.get(key));
        }
        apply(configured);
      }
    } catch (IOException | IllegalStateException e) {
      LOG.warn(
          "{}: the new configuration was not read, the old values stay: {}", PID, e.toString());
    }
  }

  private void apply(Map<String, Object> configured) {
    List<String> refused = set.apply(configured);
    for (String sentence : refused) {
      LOG.warn("{}: {}", PID, sentence);
    }
  }

  private void keep(Parameter parameter, long value) throws BlksnapException {
    ConfigurationAdmin admin = configurations;
    if (admin == null) {
      return;
    }
    try {
      Configuration configuration = admin.getConfiguration(PID, "?");
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

  @Override
  public ParameterRange range(Parameter parameter) {
    return set.range(parameter);
  }

  @Override
  public long value(Parameter parameter) {
    return set.value(parameter);
  }

  @Override
  public Map<Parameter, Long> values() {
    return set.values();
  }

  @Override
  public void set(Parameter parameter, long value) throws BlksnapException {
    set.set(parameter, value);
  }

  @Override
  public Optional<String> lastRefusal() {
    return set.lastRefusal();
  }
}
