// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.security.PrivilegedAction;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import javax.security.auth.Subject;
import org.apache.karaf.jaas.boot.principal.RolePrincipal;
import org.apache.karaf.jaas.boot.principal.UserPrincipal;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.api.console.SessionFactory;
import org.apache.karaf.shell.support.CommandException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs commands as the administrator whom the socket has let in. What was asked for is printed to
 * one stream, all that is said of a failure to the other, without colours: no program that reads
 * the first one meets a message there.
 */
final class Console {
  private static final Logger LOG = LoggerFactory.getLogger(Console.class);

  private static final String USER = "karaf";
  private static final List<String> ROLES =
      List.of("admin", "manager", "viewer", "systembundles", "ssh");

  /** Exit status of a command that failed. */
  static final int FAILED = 1;

  private final SessionFactory sessions;

  Console(SessionFactory sessions) {
    this.sessions = sessions;
  }

  private static Subject administrator() {
    Set<Principal> principals = new LinkedHashSet<>();
    principals.add(new UserPrincipal(USER));
    ROLES.forEach(role -> principals.add(new RolePrincipal(role)));
    return new Subject(true, principals, Set.of(), Set.of());
  }

  /**
   * Answers the exit status. A text that the command answers is printed, as an interactive shell
   * does: commands of other bundles often print nothing themselves. The session ends when {@code
   * gone} is closed from another thread.
   */
  int run(String user, List<String> words, PrintStream out, PrintStream err, Gone gone) {
    if (!CommandText.namesACommand(words.get(0))) {
      err.println(noSuchCommand(words.get(0)));
      err.flush();
      return FAILED;
    }
    Subject administrator = administrator();
    return Subject.doAs(
        administrator,
        (PrivilegedAction<Integer>)
            () -> {
              Session session = sessions.create(InputStream.nullInputStream(), out, err);
              session.put(Subject.class.getName(), administrator);
              session.put(CommandAudit.CLIENT, user);
              gone.whenGone(session::close);
              try {
                Object result = session.execute(CommandText.line(words));
                if (result instanceof String answer) {
                  out.println(answer);
                }
                out.flush();
                return result instanceof Integer status ? status & 0xff : 0;
              } catch (Exception | StackOverflowError e) {
                out.flush();
                err.println(CommandText.withoutColours(told(words.get(0), e)));
                err.flush();
                return FAILED;
              } finally {
                session.close();
              }
            });
  }

  private static String told(String command, Throwable e) {
    if (e instanceof CommandException refusal) {
      return refusal.getNiceHelp();
    }
    // Its class is not exported.
    if (e.getClass().getSimpleName().equals("CommandNotFoundException")) {
      return noSuchCommand(command);
    }
    LOG.debug("command {} failed", command, e);
    return e.getMessage() == null || e.getMessage().isBlank() ? e.toString() : e.getMessage();
  }

  private static String noSuchCommand(String command) {
    return "command "
        + command
        + " refused: no such command; see bin/blksnap help, or bin/blksnap shell and TAB [ENOSYS]";
  }

  /** An interactive shell; returns when it is left or its client is gone. */
  void interact(String user, ClientTerminal terminal, Typed typed, Gone gone) {
    Subject administrator = administrator();
    PrintStream out = new PrintStream(terminal.output(), true, StandardCharsets.UTF_8);
    Subject.doAs(
        administrator,
        (PrivilegedAction<Void>)
            () -> {
              Session session =
                  sessions.create(
                      terminal.input(),
                      out,
                      out,
                      terminal,
                      StandardCharsets.UTF_8.name(),
                      typed::close);
              session.put(Subject.class.getName(), administrator);
              session.put(CommandAudit.CLIENT, user);
              gone.whenGone(session::close);
              session.run();
              out.flush();
              return null;
            });
  }
}
