// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import org.apache.karaf.shell.api.console.SignalListener;
import org.apache.karaf.shell.api.console.Terminal;
import org.jline.terminal.Size;
import org.jline.terminal.impl.ExternalTerminal;

/** The terminal at the other end of the socket. It is raw there: echo and editing are done here. */
final class ClientTerminal extends ExternalTerminal implements Terminal {
  /** Taken where the client does not know its size. */
  private static final Size USUAL = new Size(80, 24);

  ClientTerminal(String type, InputStream typed, OutputStream shown) throws IOException {
    super("blksnap", type, typed, shown, StandardCharsets.UTF_8);
    setSize(USUAL);
  }

  /** "columns rows"; anything else leaves the size as it is. */
  void resize(String columnsAndRows) {
    String[] words = columnsAndRows.trim().split(" ");
    try {
      int columns = Integer.parseInt(words[0]);
      int rows = Integer.parseInt(words[1]);
      if (columns > 0 && rows > 0 && columns <= 1 << 14 && rows <= 1 << 14) {
        setSize(new Size(columns, rows));
      }
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      // A terminal that does not know its size is not refused for it.
      return;
    }
  }

  @Override
  public int getWidth() {
    return getSize().getColumns();
  }

  @Override
  public int getHeight() {
    return getSize().getRows();
  }

  @Override
  public boolean isAnsiSupported() {
    return !"dumb".equals(getType());
  }

  @Override
  public boolean isEchoEnabled() {
    return echo();
  }

  @Override
  public void setEchoEnabled(boolean enabled) {
    echo(enabled);
  }

  /** Signals come as what was typed; nobody listens for others. */
  @Override
  public void addSignalListener(SignalListener listener) {}

  @Override
  public void addSignalListener(
      SignalListener listener, org.apache.karaf.shell.api.console.Signal... signal) {}

  @Override
  public void addSignalListener(
      SignalListener listener, EnumSet<org.apache.karaf.shell.api.console.Signal> signals) {}

  @Override
  public void removeSignalListener(SignalListener listener) {}
}
