// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompletionTest {
  @TempDir Path directory;
  private TestShell shell;

  @BeforeEach
  void open() throws Exception {
    shell = new TestShell(directory);
    shell.attach(Files.createFile(directory.resolve("disk")));
    shell.run("blksnap:snapshot disk --memory 1M");
  }

  @AfterEach
  void close() {
    shell.close();
  }

  private List<String> names(NameCompleter completer) {
    completer.engines = shell.engines;
    return completer.names().stream().sorted().toList();
  }

  @Test
  void eachCompleterNamesWhatIsThere() {
    assertEquals(List.of("disk"), names(new DeviceCompleter()));
    assertEquals(List.of("blksnap-image_7:0", "disk"), names(new ImageCompleter()));
    assertEquals(
        shell.engine.collect().stream().map(Object::toString).toList(),
        names(new SnapshotCompleter()));
    assertEquals(List.of("userspace"), names(new EngineCompleter()));
    assertEquals(9, names(new ParameterCompleter()).size());
  }

  @Test
  void completionWithoutAnEngineIsEmptyAtOnce() {
    shell.loseServices();
    assertTrue(names(new DeviceCompleter()).isEmpty());
    assertTrue(names(new SnapshotCompleter()).isEmpty());
  }
}
