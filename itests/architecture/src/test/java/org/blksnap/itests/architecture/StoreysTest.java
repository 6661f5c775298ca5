// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The floors of docs/ARCHITECTURE.md, checked against the classes: in no bundle do packages or
 * files name each other in a circle, and no package of the conductor names one above it. {@code
 * floors.sh} prints what is checked here.
 */
class StoreysTest {
  private static final String CONDUCTOR = "org.blksnap.snapshot";
  private static final String IN_IT = "org.blksnap.snapshot.internal";
  private static final String BASE = "org.blksnap.enginebase";
  private static final String LINUX = "org.blksnap.linux.";

  /** What is a beginning of a package's name that may be named. */
  private static final String API = "org.blksnap.api.";

  private static final String SPI = "org.blksnap.spi.";

  /** Each package of the conductor, and what it may name. */
  private static final Map<String, Set<String>> CONDUCTORS_TABLE =
      Map.of(
          IN_IT + ".data",
          Set.of(API, SPI, BASE + ".change"),
          IN_IT + ".record",
          Set.of(API, BASE + ".record", LINUX),
          IN_IT + ".control",
          Set.of(API, SPI, BASE, LINUX, IN_IT + ".data", IN_IT + ".record"),
          IN_IT + ".swap",
          Set.of(API, SPI, BASE, LINUX, IN_IT + ".control", IN_IT + ".data", IN_IT + ".record"),
          IN_IT,
          Set.of(API, SPI, BASE, LINUX, IN_IT + "."));

  /** Packages that name each other, and why they may: none. */
  private static final Map<Set<String>, String> CIRCLES_OF_PACKAGES = Map.of();

  /** Files that name each other, and why they may: none. */
  private static final Map<Set<String>, String> CIRCLES_OF_FILES = Map.of();

  /** A file of so many lines has more than one idea, or a reason. */
  private static final int MOST_LINES = 350;

  /** Files of {@link #MOST_LINES} and more, and why they may. */
  private static final Map<String, String> LONG_FILES =
      Map.of(
          "DiffAreaContract.java", "one contract, a test a promise",
          "SnapshotServiceContract.java", "one contract, a test a promise",
          "TrackerContract.java", "one contract, a test a promise",
          "DeviceTracker.java", "it alone owns the epoch and its lock");

  private static final Map<String, Floors> BUNDLES = new TreeMap<>();

  @BeforeAll
  static void readClasses() throws IOException, URISyntaxException {
    for (URL manifest :
        Collections.list(StoreysTest.class.getClassLoader().getResources("META-INF/MANIFEST.MF"))) {
      String name;
      try (var in = manifest.openStream()) {
        name = new Manifest(in).getMainAttributes().getValue("Bundle-SymbolicName");
      }
      if (name != null && name.startsWith("org.blksnap.")) {
        BUNDLES.put(name, read(manifest.toURI()));
      }
    }
  }

  private static Floors read(URI manifest) throws IOException {
    if (manifest.getScheme().equals("jar")) {
      try (FileSystem jar = FileSystems.newFileSystem(manifest, Map.of())) {
        return Floors.of(jar.getPath("/"));
      }
    }
    return Floors.of(Path.of(manifest).getParent().getParent());
  }

  @Test
  void packagesNameEachOtherInNoCircle() {
    for (Map.Entry<String, Floors> bundle : BUNDLES.entrySet()) {
      List<Set<String>> circles = Circles.in(bundle.getValue().packages());
      circles.removeIf(circle -> excused(circle, CIRCLES_OF_PACKAGES.keySet()));
      assertEquals(List.of(), circles, bundle.getKey());
    }
  }

  @Test
  void filesNameEachOtherInNoCircle() {
    for (Map.Entry<String, Floors> bundle : BUNDLES.entrySet()) {
      List<Set<String>> circles = Circles.in(bundle.getValue().files());
      circles.removeIf(circle -> excused(circle, CIRCLES_OF_FILES.keySet()));
      assertEquals(List.of(), circles, bundle.getKey());
    }
  }

  @Test
  void everyExceptionIsNeeded() throws IOException {
    Set<Set<String>> circles = new HashSet<>();
    for (Floors bundle : BUNDLES.values()) {
      circles.addAll(Circles.in(bundle.packages()));
      circles.addAll(Circles.in(bundle.files()));
    }
    Set<String> left = new TreeSet<>();
    Stream.concat(CIRCLES_OF_PACKAGES.keySet().stream(), CIRCLES_OF_FILES.keySet().stream())
        .filter(circle -> !circles.contains(circle))
        .forEach(circle -> left.add(new TreeSet<>(circle).toString()));
    Set<String> longFiles = new TreeSet<>();
    longFiles().forEach((file, lines) -> longFiles.add(file.getFileName().toString()));
    LONG_FILES.keySet().stream().filter(file -> !longFiles.contains(file)).forEach(left::add);
    assertEquals(Set.of(), left);
  }

  private static boolean excused(Set<String> circle, Set<Set<String>> reasons) {
    return reasons.stream().anyMatch(excuse -> excuse.containsAll(circle));
  }

  @Test
  void noPackageOfTheConductorNamesOneThatTheTableForbids() {
    Floors floors = BUNDLES.get(CONDUCTOR);
    Set<String> forbidden = new TreeSet<>();
    for (String name : floors.packages().keySet()) {
      if (!name.startsWith(IN_IT)) {
        continue;
      }
      Set<String> allowed = CONDUCTORS_TABLE.getOrDefault(name, Set.of());
      Stream.concat(floors.packages().get(name).stream(), floors.outside().get(name).stream())
          .filter(other -> allowed.stream().noneMatch(other::startsWith))
          .forEach(other -> forbidden.add(name + " names " + other));
    }
    assertEquals(Set.of(), forbidden);
  }

  @Test
  void everyPackageOfTheTableIsThere() {
    assertTrue(BUNDLES.get(CONDUCTOR).packages().keySet().containsAll(CONDUCTORS_TABLE.keySet()));
  }

  @Test
  void aLongFileHasAReason() throws IOException {
    Set<String> without = new TreeSet<>();
    longFiles()
        .forEach(
            (file, lines) -> {
              if (!LONG_FILES.containsKey(file.getFileName().toString())) {
                without.add(file + ": " + lines + " lines");
              }
            });
    assertEquals(Set.of(), without);
  }

  private static Map<Path, Integer> longFiles() throws IOException {
    Map<Path, Integer> found = new TreeMap<>();
    for (Path tree : List.of(Path.of("../../bundles"), Path.of(".."))) {
      try (Stream<Path> all = Files.walk(tree)) {
        for (Path file : all.filter(StoreysTest::isSource).toList()) {
          int lines = Files.readAllLines(file).size();
          if (lines >= MOST_LINES) {
            found.put(file, lines);
          }
        }
      }
    }
    return found;
  }

  private static boolean isSource(Path file) {
    String path = file.toString();
    return path.endsWith(".java") && path.contains("/src/") && !path.contains("/target/");
  }
}
