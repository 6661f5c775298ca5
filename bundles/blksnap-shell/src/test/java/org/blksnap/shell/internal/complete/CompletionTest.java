// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.karaf.shell.api.console.Candidate;
import org.apache.karaf.shell.api.console.CommandLine;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompletionTest {
  @TempDir Path directory;
  private TestShell shell;

  @BeforeEach
  void open() throws Exception {
    shell = new TestShell();
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
    assertEquals(List.of("blksnap-image_7:0", "disk"), names(new ExportCompleter()));
    assertEquals(List.of(), names(new NodeCompleter()));
    assertEquals(9, names(new ParameterCompleter()).size());
  }

  private List<String> completed(String command, String... words) {
    List<Candidate> candidates = new ArrayList<>();
    shell
        .session
        .getRegistry()
        .getCommand("blksnap", command)
        .getCompleter(true)
        .completeCandidates(shell.session, new Typed(command, words), candidates);
    return candidates.stream().map(Candidate::value).sorted().toList();
  }

  @Test
  void optionsAreCompletedBehindArguments() {
    assertTrue(completed("cbt-map", "disk", "--").contains("--since"));
    assertTrue(completed("cbt-map", "disk", "--json", "-").contains("--generation"));
    assertTrue(completed("snapshot", "disk", "--").contains("--directory"));
    assertTrue(completed("device-attach", "/dev/null", "--").contains("--durable"));
    assertTrue(completed("cbt-mark-dirty", "disk", "0:4K", "--").contains("--engine"));
    assertEquals(List.of("userspace"), completed("cbt-map", "disk", "--engine", "us"));
    assertEquals(List.of("disk"), completed("snapshot", "disk", ""));
  }

  @Test
  void valuesAreThoseTheParametersEngineAllows() {
    assertEquals(List.of("12", "18", "30"), completed("parameter-set", "chunk_minimum_shift", ""));
    assertTrue(completed("parameter-set", "chunk_minimum_shift", "--").contains("--engine"));
  }

  /** A line with the cursor behind its last word. */
  private record Typed(List<String> words) implements CommandLine {
    Typed(String command, String... words) {
      this(Stream.concat(Stream.of("blksnap:" + command), Stream.of(words)).toList());
    }

    @Override
    public int getCursorArgumentIndex() {
      return words.size() - 1;
    }

    @Override
    public String getCursorArgument() {
      return words.get(words.size() - 1);
    }

    @Override
    public int getArgumentPosition() {
      return getCursorArgument().length();
    }

    @Override
    public String[] getArguments() {
      return words.toArray(String[]::new);
    }

    @Override
    public int getBufferPosition() {
      return getBuffer().length();
    }

    @Override
    public String getBuffer() {
      return String.join(" ", words);
    }
  }

  @Test
  void completionWithoutAnEngineIsEmptyAtOnce() {
    shell.loseServices();
    assertTrue(names(new DeviceCompleter()).isEmpty());
    assertTrue(names(new SnapshotCompleter()).isEmpty());
  }
}
