// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.parameter;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.ParameterRange;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.enginebase.record.RecordFile;
import org.blksnap.kernel.internal.host.PresentModule;
import org.osgi.service.cm.ConfigurationEvent;
import org.osgi.service.cm.ConfigurationListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The module's parameters. What is in force is what sysfs says, and it is asked each time.
 *
 * <pre>
 * configured                      what becomes of it
 * for a module loaded anew        all of it is set
 * changed since it was set last   set: a person wrote it
 * not changed                     left as it is: what was set in sysfs since is shown, and stays
 * not a parameter of this module  said
 * out of range                    refused; the value in force stays
 * </pre>
 *
 * <p>What was set last is in {@code parameters.record} of the engine's directory, with the life of
 * the module it was set in. Monitor: that, and the refusals.
 */
public final class KernelParameters implements Parameters, ConfigurationListener {
  private static final Logger LOG = LoggerFactory.getLogger(KernelParameters.class);
  private static final String KIND = "kernel-parameters";
  private static final String FILE = "parameters.record";
  private static final String LIFE = "incarnation";

  private final PresentModule module;
  private final Path directory;
  private final Configured configured;

  @GuardedBy("this")
  private String refusal = "";

  public KernelParameters(PresentModule module, Path directory, Configured configured) {
    this.module = module;
    this.directory = directory;
    this.configured = configured;
    apply();
  }

  private Map<String, String> last() {
    try {
      if (Files.exists(directory.resolve(FILE))) {
        Map<String, String> last = RecordFile.read(directory.resolve(FILE), KIND);
        if (module.incarnation().equals(last.get(LIFE))) {
          return last;
        }
      }
    } catch (IOException | RuntimeException e) {
      LOG.warn("which parameters were set last is not known: {}", e.toString());
    }
    return Map.of();
  }

  private synchronized void apply() {
    try {
      Map<String, String> now = configured.all();
      Map<String, String> last = last();
      List<String> refused = new ArrayList<>();
      for (Map.Entry<String, String> one : now.entrySet()) {
        if (!one.getValue().equals(last.get(one.getKey()))) {
          set(one.getKey(), one.getValue(), refused);
        }
      }
      refusal = String.join("; ", refused);
      keep(now);
    } catch (IOException | IllegalStateException e) {
      LOG.warn(
          "{} was not read, the parameters stay as they are: {}", Configured.PID, e.toString());
    }
  }

  private void set(String key, String value, List<String> refused) {
    Parameter parameter = Parameter.ofKey(key).orElseThrow();
    try {
      long parsed = range(parameter).parse(value);
      module.tell(m -> m.setParameter(key, parsed));
      LOG.info("{} = {}", key, parsed);
    } catch (BlksnapException e) {
      refused.add(e.getMessage());
      LOG.warn("{}: {}", Configured.PID, e.getMessage());
    }
  }

  @GuardedBy("this")
  private void keep(Map<String, String> now) {
    Map<String, String> values = new TreeMap<>(now);
    values.put(LIFE, module.incarnation());
    try {
      RecordFile.write(directory.resolve(FILE), KIND, values);
    } catch (IOException e) {
      LOG.warn("which parameters were set is not kept: {}", e.toString());
    }
  }

  @Override
  public void configurationEvent(ConfigurationEvent event) {
    if (event.getType() == ConfigurationEvent.CM_UPDATED
        && Configured.PID.equals(event.getPid())
        && !module.hasEnded()) {
      apply();
    }
  }

  @Override
  public ParameterRange range(Parameter parameter) {
    return ModuleRanges.ALL.get(parameter);
  }

  private Map<String, Long> inForce() {
    try {
      return module.ask(m -> m.parameters());
    } catch (BlksnapException e) {
      LOG.debug("parameters were not read: {}", e.toString());
      return Map.of();
    }
  }

  /** The default of one that the module lacks, or that cannot be read now. */
  @Override
  public long value(Parameter parameter) {
    return inForce().getOrDefault(parameter.key(), parameter.defaultValue());
  }

  /** Without those that the module lacks. */
  @Override
  public Map<Parameter, Long> values() {
    Map<String, Long> all = inForce();
    Map<Parameter, Long> values = new EnumMap<>(Parameter.class);
    for (Parameter parameter : Parameter.values()) {
      if (all.containsKey(parameter.key())) {
        values.put(parameter, all.get(parameter.key()));
      }
    }
    return Collections.unmodifiableMap(values);
  }

  @Override
  public void set(Parameter parameter, long value) throws BlksnapException {
    range(parameter).check(value);
    try {
      module.tell(m -> m.setParameter(parameter.key(), value));
    } catch (BlksnapException e) {
      if (e.errno() == Errno.ENOENT) {
        throw new BlksnapException(Errno.EOPNOTSUPP, e.getMessage(), e);
      }
      throw e;
    }
    configured.keep(parameter, value);
  }

  /** Also which parameters the module lacks. */
  @Override
  public Optional<String> lastRefusal() {
    List<String> sentences = new ArrayList<>();
    synchronized (this) {
      if (!refusal.isEmpty()) {
        sentences.add(refusal);
      }
    }
    Map<String, Long> all = inForce();
    if (!all.isEmpty()) {
      for (Parameter parameter : Parameter.values()) {
        if (!all.containsKey(parameter.key())) {
          sentences.add("the loaded module has no parameter " + parameter.key());
        }
      }
    }
    return sentences.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", sentences));
  }
}
