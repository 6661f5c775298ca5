// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What vendors are given says the same in each place it stands in. */
class VendorFilesTest {
  private static final Path ROOT = Path.of("../..");
  private static final String EXAMPLE = "org.blksnap.example";

  /** No bundles: carried within others, or there to be read. */
  private static final Set<String> NOT_FOR_VENDORS =
      Set.of("blksnap-linux", "blksnap-enginebase", "blksnap-example");

  private static String read(String file) throws IOException {
    return Files.readString(ROOT.resolve(file));
  }

  private static String first(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertTrue(matcher.find(), pattern);
    return matcher.group(1);
  }

  private static Set<String> all(String pattern, String text) {
    return Pattern.compile(pattern)
        .matcher(text)
        .results()
        .map(result -> result.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String version() throws IOException {
    return first("<version>([^<]+)</version>", read("pom.xml"));
  }

  /** The example without the line of its license, as others are shown it. */
  private static String example() throws IOException {
    String source =
        read("bundles/blksnap-example/src/main/java/org/blksnap/example/IncrementalCopy.java");
    return source.substring(source.indexOf("package "));
  }

  @Test
  void theBillOfMaterialsHasTheRootsVersionAndNoParent() throws IOException {
    String bom = read("features/blksnap-bom/pom.xml");
    assertFalse(bom.contains("<parent>"));
    assertEquals(version(), first("<version>([^<]+)</version>", bom));
  }

  @Test
  void theBillOfMaterialsListsEveryBundle() throws IOException {
    Set<String> expected = all("<module>([^<]+)</module>", read("bundles/pom.xml"));
    expected.removeAll(NOT_FOR_VENDORS);
    expected.add("blksnap-feature");
    String bom = read("features/blksnap-bom/pom.xml");
    String managed =
        bom.substring(
            bom.indexOf("<dependencyManagement>"), bom.indexOf("</dependencyManagement>"));
    assertEquals(expected, all("<artifactId>([^<]+)</artifactId>", managed));
  }

  @Test
  void theBillOfMaterialsIsBuiltWithTheRootsPlugins() throws IOException {
    Matcher plugin =
        Pattern.compile("<artifactId>maven-(\\w+)-plugin</artifactId>\\s*<version>([^<]+)<")
            .matcher(read("features/blksnap-bom/pom.xml"));
    while (plugin.find()) {
      String name = plugin.group(1);
      assertEquals(
          first("<" + name + ".plugin.version>([^<]+)<", read("pom.xml")), plugin.group(2));
    }
  }

  @Test
  void theArchetypeMakesTheExample() throws IOException {
    assertEquals(
        example().replace(EXAMPLE, "${package}"),
        read(
            "features/blksnap-archetype/src/main/resources/archetype-resources/src/main/java/IncrementalCopy.java"));
  }

  @Test
  void theGuideShowsTheExample() throws IOException {
    assertTrue(
        read("docs/THIRD-PARTY.md").contains("\n```java\n" + example() + "```\n"),
        "docs/THIRD-PARTY.md does not show IncrementalCopy.java as it is");
  }

  @Test
  void theGuideAndTheReadmeNameThePresentVersions() throws IOException {
    String guide = read("docs/THIRD-PARTY.md");
    assertEquals(
        first("<archetype.version>([^<]+)<", read("pom.xml")),
        first("maven-archetype-plugin:([^:]+):generate", guide));
    assertEquals(version(), first("-DarchetypeVersion=(\\S+)", guide));
    for (String text : List.of(guide, read("README.md"))) {
      assertEquals(
          Set.of(version()),
          all("<artifactId>blksnap-\\w+</artifactId>\\s*<version>([^<]+)</version>", text));
    }
  }
}
