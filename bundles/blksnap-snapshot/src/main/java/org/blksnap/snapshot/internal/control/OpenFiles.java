// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.blksnap.linux.file.FileIdentity;

/**
 * The regular files this process has open for writing, by what the kernel tells: no configuration,
 * link or bind mount hides one. Stateless; any thread.
 */
final class OpenFiles {
  private static final Path SELF = Path.of("/proc/self");

  /** O_WRONLY and O_RDWR, as fdinfo shows them. */
  private static final int ACCESS_MODES = 3;

  private OpenFiles() {}

  /**
   * One for each file system, by the name the kernel has for it, without those left out. Empty
   * where there is no /proc.
   */
  static Collection<Path> written(Predicate<FileIdentity> leftOut) {
    Map<Long, Path> found = new LinkedHashMap<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(SELF.resolve("fd"))) {
      for (Path descriptor : all) {
        look(descriptor, leftOut, found);
      }
    } catch (IOException | DirectoryIteratorException noProc) {
      return found.values();
    }
    return found.values();
  }

  private static void look(
      Path descriptor, Predicate<FileIdentity> leftOut, Map<Long, Path> found) {
    try {
      if (!Files.isRegularFile(descriptor) || !forWriting(descriptor)) {
        return;
      }
      FileIdentity file = FileIdentity.of(descriptor);
      if (!found.containsKey(file.device()) && !leftOut.test(file)) {
        found.put(file.device(), Files.readSymbolicLink(descriptor));
      }
    } catch (IOException | IllegalArgumentException closedMeanwhile) {
      return;
    }
  }

  private static boolean forWriting(Path descriptor) throws IOException {
    Path info = SELF.resolve("fdinfo").resolve(descriptor.getFileName().toString());
    for (String line : Files.readAllLines(info, StandardCharsets.ISO_8859_1)) {
      if (line.startsWith("flags:")) {
        return (Integer.parseInt(line.substring(6).trim(), 8) & ACCESS_MODES) != 0;
      }
    }
    return false;
  }
}
