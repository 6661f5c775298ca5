// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/** Directories below {@code target}, on the disk the sources lie on. */
final class OnDisk implements TempDirFactory {
  @Override
  public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context)
      throws IOException {
    Path target = Files.createDirectories(Path.of("target"));
    return Files.createTempDirectory(target.toAbsolutePath(), "engine");
  }
}
