// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.ArrayList;
import java.util.List;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.apache.karaf.shell.api.console.Candidate;
import org.apache.karaf.shell.api.console.Command;
import org.apache.karaf.shell.api.console.CommandLine;
import org.apache.karaf.shell.api.console.Completer;
import org.apache.karaf.shell.api.console.Session;

/**
 * Completes options, and their values, behind arguments. The shell does so before the first
 * argument alone; here it is asked once more, as though the arguments were not there.
 */
@Service
public final class OptionCompleter implements Completer {
  /** Any word does here; the shell only wants to know that one is allowed. */
  private static final Candidate ANY = new Candidate("--", "--", null, null, null, null, true);

  /** Whether the word under the cursor is an option, or the value of the option before it. */
  static boolean wanted(CommandLine line) {
    int cursor = line.getCursorArgumentIndex();
    if (cursor < 2 || line instanceof Words) {
      return false;
    }
    String[] words = line.getArguments();
    String before = words[cursor - 1];
    return line.getCursorArgument() != null
        && (line.getCursorArgument().startsWith("-")
            || before.startsWith("--") && !before.equals("--"));
  }

  @Override
  public int complete(Session session, CommandLine line, List<String> candidates) {
    List<Candidate> found = new ArrayList<>();
    completeCandidates(session, line, found);
    found.forEach(candidate -> candidates.add(candidate.value()));
    return found.isEmpty() ? -1 : 0;
  }

  @Override
  public void completeCandidates(Session session, CommandLine line, List<Candidate> candidates) {
    if (session == null || line.getArguments().length < 2) {
      candidates.add(ANY);
      return;
    }
    if (!wanted(line)) {
      return;
    }
    Command command = command(session, line.getArguments()[0]);
    if (command == null) {
      return;
    }
    String[] words = line.getArguments();
    int cursor = line.getCursorArgumentIndex();
    String before = words[cursor - 1];
    boolean value = before.startsWith("--") && cursor > 1;
    List<Candidate> found = new ArrayList<>();
    if (value) {
      ask(session, command, new Words(words[0], before, words[cursor]), found);
    }
    if (found.isEmpty() && words[cursor].startsWith("-")) {
      ask(session, command, new Words(words[0], words[cursor]), found);
    }
    candidates.addAll(found);
  }

  private static void ask(
      Session session, Command command, CommandLine line, List<Candidate> found) {
    command.getCompleter(false).completeCandidates(session, line, found);
  }

  private static Command command(Session session, String word) {
    String whole = session.resolveCommand(word);
    int colon = whole.indexOf(':');
    return colon < 0
        ? null
        : session.getRegistry().getCommand(whole.substring(0, colon), whole.substring(colon + 1));
  }

  /** A line of a few words with the cursor behind the last one. */
  private record Words(List<String> words) implements CommandLine {
    Words(String... words) {
      this(List.of(words));
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
}
