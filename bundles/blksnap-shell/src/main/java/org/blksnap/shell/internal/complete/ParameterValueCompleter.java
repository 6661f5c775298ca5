// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.apache.karaf.shell.api.console.CommandLine;
import org.apache.karaf.shell.api.console.Completer;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.support.completers.StringsCompleter;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.ParameterRange;
import org.blksnap.shell.internal.lookup.Engines;

/**
 * Least, default and largest value of the parameter that stands in the line, as its engine allows
 * them, and options among them; never waits for an engine.
 */
@Service
public final class ParameterValueCompleter implements Completer {
  private static final String ENGINE = "--engine";

  @Reference Engines engines;

  @Override
  public int complete(Session session, CommandLine line, List<String> candidates) {
    if (OptionCompleter.wanted(line)) {
      return new OptionCompleter().complete(session, line, candidates);
    }
    List<String> words = Arrays.asList(line.getArguments());
    List<String> values =
        words.stream()
            .map(Parameter::ofKey)
            .flatMap(Optional::stream)
            .findFirst()
            .flatMap(known -> engines.presentParameters(engine(words)).map(p -> p.range(known)))
            .map(ParameterValueCompleter::values)
            .orElse(List.of());
    return new StringsCompleter(values).complete(session, line, candidates);
  }

  /** Null where none is named. */
  private static String engine(List<String> words) {
    for (int i = 0; i < words.size(); i++) {
      if (words.get(i).startsWith(ENGINE + "=")) {
        return words.get(i).substring(ENGINE.length() + 1);
      }
      if (words.get(i).equals(ENGINE) && i + 1 < words.size()) {
        return words.get(i + 1);
      }
    }
    return null;
  }

  private static List<String> values(ParameterRange range) {
    return Stream.of(range.minimum(), range.defaultValue(), range.maximum())
        .map(String::valueOf)
        .distinct()
        .toList();
  }
}
