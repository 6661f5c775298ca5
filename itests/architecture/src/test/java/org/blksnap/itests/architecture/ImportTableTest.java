// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.Manifest;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The import table of docs/ARCHITECTURE.md, checked against the manifests that bnd made from the
 * classes.
 */
class ImportTableTest {
  /** Allowed everywhere: the JDK, logging, OSGi annotations leave no import behind. */
  private static final Set<String> EVERYWHERE = Set.of("org.slf4j");

  /**
   * Bundle to what it may import besides the JDK and {@link #EVERYWHERE}; a prefix ends with a dot.
   */
  private static final Map<String, Set<String>> TABLE =
      Map.ofEntries(
          Map.entry("org.blksnap.api", Set.of("org.blksnap.api.", "org.blksnap.spi.")),
          Map.entry(
              "org.blksnap.device",
              Set.of(
                  "org.blksnap.api.block",
                  "org.blksnap.spi.device",
                  "org.blksnap.spi.host",
                  "org.blksnap.spi.node",
                  "org.blksnap.api.health")),
          Map.entry(
              "org.blksnap.tracker",
              Set.of("org.blksnap.api.block", "org.blksnap.api.change", "org.blksnap.spi.tracker")),
          Map.entry(
              "org.blksnap.chunk",
              Set.of("org.blksnap.api.block", "org.blksnap.spi.chunk", "org.blksnap.spi.storage")),
          Map.entry(
              "org.blksnap.diffstorage",
              Set.of(
                  "org.blksnap.api.block",
                  "org.blksnap.api.handover",
                  "org.blksnap.api.snapshot",
                  "org.blksnap.spi.storage",
                  "org.blksnap.spi.host")),
          Map.entry(
              "org.blksnap.event",
              Set.of(
                  "org.blksnap.api.block",
                  "org.blksnap.api.change",
                  "org.blksnap.api.event",
                  "org.blksnap.api.health",
                  "org.blksnap.api.snapshot",
                  "org.blksnap.spi.event",
                  "org.osgi.service.event")),
          Map.entry(
              "org.blksnap.control",
              Set.of(
                  "org.blksnap.api.block",
                  "org.blksnap.api.change",
                  "org.blksnap.api.export",
                  "org.blksnap.api.handover",
                  "org.blksnap.api.health",
                  "org.blksnap.api.snapshot",
                  "org.osgi.framework",
                  "org.osgi.service.cm")),
          Map.entry(
              "org.blksnap.snapshot",
              Set.of("org.blksnap.api.", "org.blksnap.spi.", "org.osgi.framework")),
          Map.entry(
              "org.blksnap.kernel",
              Set.of(
                  "org.blksnap.api.block",
                  "org.blksnap.api.change",
                  "org.blksnap.api.event",
                  "org.blksnap.api.health",
                  "org.blksnap.api.snapshot",
                  "org.blksnap.spi.device",
                  "org.blksnap.spi.event",
                  "org.blksnap.spi.host",
                  "org.blksnap.spi.module",
                  "org.osgi.framework",
                  "org.osgi.service.cm")),
          Map.entry(
              "org.blksnap.ioctl",
              Set.of(
                  "org.blksnap.api.block",
                  "org.blksnap.api.change",
                  "org.blksnap.api.event",
                  "org.blksnap.api.health",
                  "org.blksnap.api.snapshot",
                  "org.blksnap.spi.host",
                  "org.blksnap.spi.module",
                  "org.blksnap.spi.node",
                  "org.osgi.framework",
                  "com.sun.jna",
                  "jdk.net")),
          Map.entry(
              "org.blksnap.nbd",
              Set.of(
                  "org.blksnap.api.block",
                  "org.blksnap.api.change",
                  "org.blksnap.api.snapshot",
                  "org.blksnap.api.export",
                  "org.blksnap.api.health",
                  "org.blksnap.api.handover",
                  "org.osgi.framework",
                  "javax.net.ssl",
                  "jdk.net")),
          Map.entry(
              "org.blksnap.node",
              Set.of(
                  "org.blksnap.api.block",
                  "org.blksnap.api.export",
                  "org.blksnap.api.health",
                  "org.blksnap.api.node",
                  "org.blksnap.api.snapshot",
                  "org.blksnap.spi.node")),
          Map.entry(
              "org.blksnap.shell",
              Set.of(
                  "org.blksnap.api.",
                  "org.apache.karaf.shell.",
                  "com.google.gson",
                  "com.google.gson.",
                  "org.osgi.framework",
                  "org.osgi.service.cm",
                  "org.osgi.service.metatype",
                  "org.osgi.util.tracker",
                  "org.apache.karaf.jaas.",
                  "javax.security.auth",
                  "javax.security.auth.")),
          Map.entry("org.blksnap.example", Set.of("org.blksnap.api.")),
          Map.entry(
              "org.blksnap.console",
              Set.of(
                  "org.apache.felix.service.command",
                  "org.apache.karaf.jaas.boot.principal",
                  "org.apache.karaf.shell.",
                  "org.jline.terminal",
                  "org.jline.terminal.",
                  "org.osgi.framework",
                  "javax.security.auth",
                  "jdk.net")));

  private static final Map<String, Attributes> MANIFESTS = new HashMap<>();

  @BeforeAll
  static void readManifests() throws IOException {
    Enumeration<URL> found =
        ImportTableTest.class.getClassLoader().getResources("META-INF/MANIFEST.MF");
    while (found.hasMoreElements()) {
      try (var in = found.nextElement().openStream()) {
        Attributes main = new Manifest(in).getMainAttributes();
        String name = main.getValue("Bundle-SymbolicName");
        if (name != null && name.startsWith("org.blksnap.")) {
          MANIFESTS.put(name, main);
        }
      }
    }
  }

  @Test
  void everyBundleIsLookedAt() {
    assertEquals(new TreeSet<>(TABLE.keySet()), new TreeSet<>(MANIFESTS.keySet()));
  }

  @TestFactory
  List<DynamicTest> eachBundleImportsOnlyWhatTheTableLists() {
    List<DynamicTest> tests = new ArrayList<>();
    TABLE.forEach(
        (bundle, allowed) ->
            tests.add(
                DynamicTest.dynamicTest(
                    bundle,
                    () -> {
                      Set<String> forbidden = new TreeSet<>();
                      for (String name :
                          packages(MANIFESTS.get(bundle).getValue("Import-Package"))) {
                        if (!isAllowed(name, allowed)) {
                          forbidden.add(name);
                        }
                      }
                      assertTrue(forbidden.isEmpty(), bundle + " imports " + forbidden);
                    })));
    return tests;
  }

  @Test
  void onlyTheApiExports() {
    MANIFESTS.forEach(
        (bundle, manifest) -> {
          String exported = manifest.getValue("Export-Package");
          assertEquals(
              bundle.equals("org.blksnap.api"), exported != null, bundle + " exports " + exported);
        });
  }

  @Test
  void theApiExportsNothingInternal() {
    for (String name : packages(MANIFESTS.get("org.blksnap.api").getValue("Export-Package"))) {
      assertTrue(name.startsWith("org.blksnap.api.") || name.startsWith("org.blksnap.spi."), name);
    }
  }

  @Test
  void theApiNeedsNothingAtRunTime() {
    for (String name : packages(MANIFESTS.get("org.blksnap.api").getValue("Import-Package"))) {
      assertTrue(name.startsWith("java.") || name.startsWith("org.blksnap."), name);
    }
  }

  private static boolean isAllowed(String name, Set<String> allowed) {
    return name.startsWith("java.")
        || EVERYWHERE.contains(name)
        || allowed.contains(name)
        || allowed.stream().anyMatch(prefix -> prefix.endsWith(".") && name.startsWith(prefix));
  }

  private static final Pattern QUOTED = Pattern.compile("\"[^\"]*\"");

  private static List<String> packages(String header) {
    List<String> names = new ArrayList<>();
    if (header == null) {
      return names;
    }
    for (String clause : QUOTED.matcher(header).replaceAll("").split(",")) {
      for (String part : clause.split(";")) {
        if (!part.contains("=")) {
          names.add(part.trim());
        }
      }
    }
    return names;
  }
}
