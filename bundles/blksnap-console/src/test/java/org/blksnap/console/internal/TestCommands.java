// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import java.util.List;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.karaf.shell.api.console.Command;
import org.apache.karaf.shell.api.console.Completer;
import org.apache.karaf.shell.api.console.Parser;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.impl.console.SessionFactoryImpl;

/** A shell with commands of the test's own. */
final class TestCommands {
  final SessionFactoryImpl sessions;

  TestCommands(ThreadIOImpl threadIo) {
    sessions = new SessionFactoryImpl(threadIo);
  }

  interface Body {
    void run(Session session, List<Object> words) throws Exception;
  }

  void add(String name, Body body) {
    answering(
        name,
        (session, words) -> {
          body.run(session, words);
          return null;
        });
  }

  interface Answer {
    Object of(Session session, List<Object> words) throws Exception;
  }

  void answering(String name, Answer answer) {
    sessions
        .getRegistry()
        .register(
            new Command() {
              @Override
              public String getScope() {
                return "blksnap";
              }

              @Override
              public String getName() {
                return name;
              }

              @Override
              public String getDescription() {
                return name;
              }

              @Override
              public Completer getCompleter(boolean scoped) {
                return null;
              }

              @Override
              public Parser getParser() {
                return null;
              }

              @Override
              public Object execute(Session session, List<Object> words) throws Exception {
                return answer.of(session, words);
              }
            });
  }
}
