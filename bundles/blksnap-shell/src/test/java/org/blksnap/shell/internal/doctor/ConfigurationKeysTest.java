// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import org.blksnap.api.health.Finding;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.metatype.AttributeDefinition;
import org.osgi.service.metatype.MetaTypeInformation;
import org.osgi.service.metatype.MetaTypeService;
import org.osgi.service.metatype.ObjectClassDefinition;

class ConfigurationKeysTest {
  private final List<Configuration> configurations = new ArrayList<>();

  @Test
  void keysThatAreReadAreNoFinding() {
    configured("org.blksnap.engine", null, Map.of("state_directory", "/x", "service.pid", "e"));
    configured("org.blksnap.device~a", "org.blksnap.device", Map.of("path", "/x"));
    assertEquals(List.of(), examined());
  }

  @Test
  void anUnknownKeyIsSaidWithTheNearestOne() {
    configured(
        "org.blksnap.device~a",
        "org.blksnap.device",
        Map.of("pathe", "/x", "felix.fileinstall.filename", "file:/etc/org.blksnap.device-a.cfg"));
    assertEquals(
        List.of("key pathe in org.blksnap.device-a.cfg is read by nobody; did you mean path?"),
        examined());
  }

  @Test
  void anUnknownKeyLikeNoOtherIsSaidWithAllThereAre() {
    configured("org.blksnap.engine", null, Map.of("compression", "9"));
    assertTrue(
        examined().get(0).endsWith("its keys are handover_timeout_seconds, state_directory"));
  }

  @Test
  void aConfigurationOfNobodyIsSaid() {
    configured("org.blksnap.enigne", null, Map.of("state_directory", "/x"));
    assertEquals(
        List.of("org.blksnap.enigne is read by nobody; did you mean org.blksnap.engine?"),
        examined());
  }

  private List<String> examined() {
    return keys().examine().stream().map(ConfigurationKeysTest::line).toList();
  }

  private static String line(Finding finding) {
    assertEquals(Finding.Severity.WARNING, finding.severity());
    return finding.observation() + "; " + finding.remedy();
  }

  private ConfigurationKeys keys() {
    Bundle bundle = answering(Bundle.class, Map.of("getSymbolicName", "org.blksnap.snapshot"));
    MetaTypeInformation information =
        (MetaTypeInformation)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {MetaTypeInformation.class},
                (proxy, method, arguments) ->
                    switch (method.getName()) {
                      case "getPids" -> new String[] {"org.blksnap.engine"};
                      case "getFactoryPids" -> new String[] {"org.blksnap.device"};
                      default ->
                          arguments[0].equals("org.blksnap.engine")
                              ? definition("state_directory", "handover_timeout_seconds")
                              : definition("path", "name");
                    });
    return new ConfigurationKeys(
        answering(BundleContext.class, Map.of("getBundles", new Bundle[] {bundle})),
        (ConfigurationAdmin)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {ConfigurationAdmin.class},
                (proxy, method, arguments) ->
                    configurations.isEmpty() ? null : configurations.toArray(Configuration[]::new)),
        answering(MetaTypeService.class, Map.of("getMetaTypeInformation", information)));
  }

  private static ObjectClassDefinition definition(String... keys) {
    AttributeDefinition[] attributes =
        Arrays.stream(keys)
            .map(key -> answering(AttributeDefinition.class, Map.of("getID", key)))
            .toArray(AttributeDefinition[]::new);
    return answering(ObjectClassDefinition.class, Map.of("getAttributeDefinitions", attributes));
  }

  private void configured(String pid, String factory, Map<String, String> values) {
    Dictionary<String, Object> properties = new Hashtable<>(values);
    Map<String, Object> answers = new HashMap<>();
    answers.put("getPid", pid);
    answers.put("getFactoryPid", factory);
    answers.put("getProperties", properties);
    configurations.add(answering(Configuration.class, answers));
  }

  /** One whose methods answer what stands under their names. */
  private static <T> T answering(Class<T> type, Map<String, ?> answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> answers.get(method.getName())));
  }
}
