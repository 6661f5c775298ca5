// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.Reader;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.karaf.shell.api.action.Command;
import org.blksnap.shell.internal.lookup.CommandClasses;
import org.junit.jupiter.api.Test;

class CommandRulesTest {
  /** The feature brings the rules, so that a stock Karaf has them too. */
  private static final Path FEATURE =
      Path.of("../../features/blksnap-shell/src/main/feature/feature.xml");

  private static final String BEGIN = "<config name=\"org.apache.karaf.command.acl.blksnap\">";

  private static final List<String> CHANGING =
      List.of("device-", "cbt-mark", "cbt-restart", "snapshot", "parameter-set", "node-");

  private static Properties rules() throws Exception {
    String feature = Files.readString(FEATURE);
    int begin = feature.indexOf(BEGIN) + BEGIN.length();
    Properties rules = new Properties();
    rules.load(new StringReader(feature.substring(begin, feature.indexOf("</config>", begin))));
    return rules;
  }

  @Test
  void everyCommandHasARule() throws Exception {
    assertEquals(
        new TreeSet<>(CommandClasses.commandNames()), new TreeSet<>(rules().stringPropertyNames()));
  }

  @Test
  void whatChangesStateIsForAdminAlone() throws Exception {
    Properties rules = rules();
    for (String name : CommandClasses.commandNames()) {
      boolean reads = name.endsWith("-list") || name.endsWith("-info");
      boolean changes = !reads && CHANGING.stream().anyMatch(name::startsWith);
      assertEquals(
          changes ? "admin" : "viewer, manager, admin", rules.getProperty(name).trim(), name);
    }
  }

  @Test
  void everyCommandIsInTheScopeAndDescribed() throws Exception {
    for (Class<?> type : CommandClasses.services()) {
      Command command = type.getAnnotation(Command.class);
      if (command != null) {
        assertEquals("blksnap", command.scope());
        assertFalse(command.description().isEmpty(), command.name());
        assertTrue(BlksnapCommand.class.isAssignableFrom(type), command.name());
      }
    }
  }

  @Test
  void theShellLooksWhereCommandsAndCompletersAre() throws Exception {
    Properties instructions = new Properties();
    try (Reader bnd = Files.newBufferedReader(Path.of("bnd.bnd"))) {
      instructions.load(bnd);
    }
    TreeSet<String> packages = new TreeSet<>();
    for (Class<?> type : CommandClasses.services()) {
      packages.add(type.getPackageName());
    }
    assertEquals(
        packages, new TreeSet<>(List.of(instructions.getProperty("Karaf-Commands").split(","))));
  }

  @Test
  void everyCommandIsInTheReference() throws Exception {
    String reference = Files.readString(Path.of("../../docs/COMMANDS.md"));
    for (String name : CommandClasses.commandNames()) {
      assertTrue(reference.contains("| `" + name), name);
    }
  }
}
