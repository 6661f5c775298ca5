// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What the documents name is there: a class in backquotes, written with two capitals or more, has
 * its file, and where a member is named, that file names it too.
 */
class NamesInDocumentsTest {
  private static final Path ROOT = Path.of("../..");

  /** {@code ClassName}, {@code ClassName.member}, {@code ClassName#member}; a call's arguments. */
  private static final Pattern NAME =
      Pattern.compile("`([A-Z][a-z0-9]+[A-Z][A-Za-z0-9]*)(?:[.#]([A-Za-z_]+))?(?:\\([^`]*\\))?`");

  /** Of the JDK, of libraries, of the system. */
  private static final Set<String> OTHERS =
      Set.of(
          "AtomicInteger",
          "AutoCloseable",
          "ByteBuffer",
          "FileChannel",
          "GuardedBy",
          "LinkedTransferQueue",
          "RemoveIPC",
          "ServerSocketChannel",
          "SocketChannel");

  /** Its left columns name what the reference has, and the API had. */
  private static final String OF_THE_PAST = "COMPATIBILITY.md";

  @Test
  void whatADocumentNamesIsThere() throws IOException {
    Map<String, String> sources = new HashMap<>();
    for (String tree : new String[] {"bundles", "itests"}) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(tree))) {
        for (Path file : files.filter(NamesInDocumentsTest::isSource).toList()) {
          String name = file.getFileName().toString().replace(".java", "");
          sources.merge(name, Files.readString(file), String::concat);
        }
      }
    }
    Set<String> missing = new TreeSet<>();
    int seen = 0;
    try (Stream<Path> documents = Files.list(ROOT.resolve("docs"))) {
      for (Path document : documents.filter(path -> path.toString().endsWith(".md")).toList()) {
        if (document.endsWith(OF_THE_PAST)) {
          continue;
        }
        Matcher named = NAME.matcher(Files.readString(document));
        while (named.find()) {
          seen++;
          if (!isThere(sources, named.group(1), named.group(2))) {
            missing.add(document.getFileName() + ": " + named.group());
          }
        }
      }
    }
    assertEquals(Set.of(), missing);
    assertTrue(seen > 100, "only " + seen + " names were found");
  }

  private static boolean isSource(Path file) {
    String path = file.toString();
    return path.endsWith(".java") && !path.contains("/target/");
  }

  private static boolean isThere(Map<String, String> sources, String name, String member) {
    if (OTHERS.contains(name)) {
      return true;
    }
    String own = sources.get(name);
    Stream<String> files = own != null ? Stream.of(own) : declaring(sources, name);
    Pattern wanted = Pattern.compile("\\b" + (member == null ? name : member) + "\\b");
    return files.anyMatch(source -> wanted.matcher(source).find());
  }

  /** Files with a type of that name inside. */
  private static Stream<String> declaring(Map<String, String> sources, String name) {
    Pattern declared = Pattern.compile("\\b(class|enum|interface|record) " + name + "\\b");
    return sources.values().stream().filter(source -> declared.matcher(source).find());
  }
}
