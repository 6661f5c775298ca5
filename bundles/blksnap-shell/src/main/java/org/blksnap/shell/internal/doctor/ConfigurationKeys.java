// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.doctor;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ConfigurationEvent;
import org.osgi.service.cm.ConfigurationListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.AttributeDefinition;
import org.osgi.service.metatype.MetaTypeInformation;
import org.osgi.service.metatype.MetaTypeService;
import org.osgi.service.metatype.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keys that nobody reads, in any configuration of ours, and configurations that nobody reads. What
 * is read stands in the metatype that each bundle brings along, so nothing is listed here. Looked
 * at when a configuration changes (into the log) and when the doctor asks; nothing is kept.
 */
@Component(
    name = "org.blksnap.shell.internal.ConfigurationKeys",
    service = {Examination.class, ConfigurationListener.class})
public final class ConfigurationKeys implements Examination, ConfigurationListener {
  private static final Logger LOG = LoggerFactory.getLogger(ConfigurationKeys.class);

  private static final String SUBJECT = "configuration";
  private static final String OURS = "org.blksnap.";

  /** What ConfigAdmin, fileinstall and Karaf put beside the keys of a file. */
  private static final Set<String> FOREIGN =
      Set.of(
          "service.pid",
          "service.factoryPid",
          "service.bundleLocation",
          "felix.fileinstall.filename",
          "org.apache.karaf.features.configKey");

  private final BundleContext bundles;
  private final ConfigurationAdmin configurations;
  private final MetaTypeService types;

  @Activate
  public ConfigurationKeys(
      BundleContext bundles,
      @Reference ConfigurationAdmin configurations,
      @Reference MetaTypeService types) {
    this.bundles = bundles;
    this.configurations = configurations;
    this.types = types;
    examine().forEach(ConfigurationKeys::log);
  }

  @Override
  public String subject() {
    return SUBJECT;
  }

  @Override
  public List<Finding> examine() {
    return findings("(service.pid=" + OURS + "*)");
  }

  @Override
  public void configurationEvent(ConfigurationEvent event) {
    if (event.getType() == ConfigurationEvent.CM_UPDATED && event.getPid().startsWith(OURS)) {
      findings("(service.pid=" + event.getPid() + ")").forEach(ConfigurationKeys::log);
    }
  }

  private static void log(Finding finding) {
    LOG.warn("{}: {}", finding.observation(), finding.remedy());
  }

  private List<Finding> findings(String filter) {
    List<Finding> findings = new ArrayList<>();
    try {
      Configuration[] found = configurations.listConfigurations(filter);
      if (found != null) {
        Map<String, Set<String>> read = keysRead();
        Arrays.stream(found)
            .sorted(Comparator.comparing(Configuration::getPid))
            .forEach(configuration -> check(configuration, read, findings));
      }
    } catch (IOException | InvalidSyntaxException | IllegalStateException e) {
      findings.add(
          new Finding(
              Severity.ERROR,
              SUBJECT,
              "it cannot be listed: " + e.getMessage(),
              "see the bundle org.apache.felix.configadmin in bundle:list"));
    }
    return findings;
  }

  private static void check(
      Configuration configuration, Map<String, Set<String>> read, List<Finding> findings) {
    String factory = configuration.getFactoryPid();
    String pid = factory == null ? configuration.getPid() : factory;
    String file = file(configuration);
    Set<String> known = read.get(pid);
    if (known == null) {
      findings.add(
          new Finding(
              Severity.WARNING,
              SUBJECT,
              file + " is read by nobody",
              remedy("there is no configuration " + pid, Nearest.to(pid, read.keySet()))));
      return;
    }
    for (String key : Collections.list(configuration.getProperties().keys())) {
      if (!known.contains(key) && !FOREIGN.contains(key) && !key.startsWith("component.")) {
        findings.add(
            new Finding(
                Severity.WARNING,
                SUBJECT,
                "key " + key + " in " + file + " is read by nobody",
                remedy("its keys are " + String.join(", ", known), Nearest.to(key, known))));
      }
    }
  }

  private static String remedy(String otherwise, Optional<String> nearest) {
    return nearest.map(name -> "did you mean " + name + "?").orElse(otherwise);
  }

  private static String file(Configuration configuration) {
    Object file = configuration.getProperties().get("felix.fileinstall.filename");
    String name = file == null ? configuration.getPid() : file.toString();
    return name.substring(name.lastIndexOf('/') + 1);
  }

  /** Keys by PID, of every bundle of ours that is installed now; several may read one PID. */
  private Map<String, Set<String>> keysRead() {
    Map<String, Set<String>> read = new TreeMap<>();
    for (Bundle bundle : bundles.getBundles()) {
      if (bundle.getSymbolicName() != null && bundle.getSymbolicName().startsWith(OURS)) {
        MetaTypeInformation information = types.getMetaTypeInformation(bundle);
        if (information != null) {
          for (String[] pids : List.of(information.getPids(), information.getFactoryPids())) {
            for (String pid : pids) {
              read.computeIfAbsent(pid, first -> new TreeSet<>())
                  .addAll(keys(information.getObjectClassDefinition(pid, null)));
            }
          }
        }
      }
    }
    return read;
  }

  private static Set<String> keys(ObjectClassDefinition definition) {
    Set<String> keys = new TreeSet<>();
    for (AttributeDefinition attribute :
        definition.getAttributeDefinitions(ObjectClassDefinition.ALL)) {
      keys.add(attribute.getID());
    }
    return keys;
  }
}
