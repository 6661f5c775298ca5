// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.function.Consumer;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.CommandSessionListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who had which command run, from whichever shell: a line when it begins, so that one which never
 * ends is there too, and a line where it fails. Karaf's configuration writes the logger {@code
 * audit} to {@code data/log/security.log}, which is its owner's alone.
 *
 * <p>Who it was is what the console knows of its client, see {@link #CLIENT}; in other shells the
 * user who logged in.
 */
@Component(service = CommandSessionListener.class, immediate = true)
public final class CommandAudit implements CommandSessionListener {
  /** Variable of a session: who is at its other end, as the kernel says. */
  static final String CLIENT = ".blksnap.client";

  /** Longest text of a command and of a failure that is written down, characters. */
  static final int LONGEST = 1024;

  private static final Logger AUDIT = LoggerFactory.getLogger("audit.org.blksnap.console");

  private final Consumer<String> lines;

  @Activate
  public CommandAudit() {
    this(AUDIT::info);
  }

  CommandAudit(Consumer<String> lines) {
    this.lines = lines;
  }

  @Override
  public void beforeExecute(CommandSession session, CharSequence command) {
    if (!command.toString().isBlank()) {
      write(session, "runs", command.toString());
    }
  }

  @Override
  public void afterExecute(CommandSession session, CharSequence command, Exception failure) {
    String why = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    write(session, "failed", command + " -- " + why);
  }

  @Override
  public void afterExecute(CommandSession session, CharSequence command, Object result) {
    if (result instanceof Integer status && status != 0) {
      write(session, "failed", command + " -- exit status " + status);
    }
  }

  private void write(CommandSession session, String what, String text) {
    lines.accept(
        Instant.now().truncatedTo(ChronoUnit.MILLIS)
            + " "
            + user(session)
            + " "
            + what
            + ": "
            + oneLine(text));
  }

  private static String user(CommandSession session) {
    Object client = session.get(CLIENT);
    Object user = client == null ? session.get("USER") : client;
    return user == null ? "a local shell" : "user " + oneLine(user.toString());
  }

  /** Nobody writes a line of his own into it, nor colours for who reads it. */
  private static String oneLine(String text) {
    String clean =
        CommandText.withoutColours(text)
            .codePoints()
            .map(point -> Character.isISOControl(point) ? ' ' : point)
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    return clean.length() <= LONGEST ? clean : clean.substring(0, LONGEST) + " …";
  }
}
