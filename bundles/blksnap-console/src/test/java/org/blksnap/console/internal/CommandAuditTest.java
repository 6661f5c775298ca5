// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CommandAuditTest {
  private final List<String> lines = new ArrayList<>();
  private final ThreadIOImpl threadIo = new ThreadIOImpl();
  private CommandSession session;

  @BeforeEach
  void open() {
    threadIo.start();
    CommandProcessorImpl processor = new CommandProcessorImpl(threadIo);
    processor.addListener(new CommandAudit(lines::add));
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    session = processor.createSession(InputStream.nullInputStream(), nowhere, nowhere);
  }

  @AfterEach
  void close() {
    session.close();
    threadIo.stop();
  }

  private boolean fails(String command) {
    try {
      session.execute(command);
      return false;
    } catch (Exception e) {
      return true;
    }
  }

  @Test
  void aLineSaysWhoHadWhatRunAndAnotherThatItFailed() {
    session.put(CommandAudit.CLIENT, "root");
    assertTrue(fails("nosuchcommand with words"));
    assertEquals(2, lines.size(), lines::toString);
    assertTrue(lines.get(0).endsWith(" user root runs: nosuchcommand with words"), lines.get(0));
    assertTrue(lines.get(1).contains(" user root failed: nosuchcommand with words -- "));
  }

  @Test
  void whatEndsWellIsOneLine() {
    assertFalse(fails("a = 'value'"));
    assertEquals(1, lines.size(), lines::toString);
    assertTrue(lines.get(0).endsWith(" a local shell runs: a = 'value'"), lines.get(0));
  }

  @Test
  void aFailureWithoutWordsIsToldByItsKind() {
    new CommandAudit(lines::add).afterExecute(session, "a:command", new IllegalStateException());
    assertTrue(lines.get(0).endsWith("a:command -- java.lang.IllegalStateException"), lines.get(0));
  }

  @Test
  void nobodyWritesALineOfHisOwn() {
    session.put(CommandAudit.CLIENT, "root\nuser nobody");
    assertFalse(fails("a = 'one\n2026-01-01T00:00:00Z user nobody runs: two\u001b[31m'"));
    assertEquals(1, lines.size(), lines::toString);
    assertTrue(lines.get(0).codePoints().noneMatch(Character::isISOControl), lines.get(0));
  }

  @Test
  void aLongCommandIsCutOff() {
    assertFalse(fails("a = '" + "x".repeat(CommandAudit.LONGEST * 2) + "'"));
    assertTrue(lines.get(0).length() < CommandAudit.LONGEST + 100);
  }
}
