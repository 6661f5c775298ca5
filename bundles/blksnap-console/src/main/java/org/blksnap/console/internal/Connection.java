// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client: what it wants run, then its command or its shell, then the exit status. A second
 * thread listens to the client meanwhile; when the client is gone it ends what runs for it, so that
 * no command and no thread stays behind.
 */
final class Connection implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  /** Longest command, words. */
  static final int MAXIMUM_WORDS = 4096;

  private final SocketChannel channel;
  private final Console console;
  private final String user;
  private final DataInputStream in;
  private final DataOutputStream out;
  private final Gone gone = new Gone();
  private final Typed typed = new Typed();

  /** {@code user}: who is at the other end. */
  Connection(SocketChannel channel, Console console, String user) {
    this.channel = channel;
    this.console = console;
    this.user = user;
    in = new DataInputStream(new BufferedInputStream(ChannelStreams.in(channel)));
    out = new DataOutputStream(new BufferedOutputStream(ChannelStreams.out(channel)));
    gone.whenGone(typed::close);
  }

  @Override
  public void run() {
    try (channel) {
      List<String> words = new ArrayList<>();
      String terminal = null;
      Frame frame = Frame.read(in);
      while (frame != null && frame.kind() != Frame.RUN) {
        if (frame.kind() == Frame.WORD && words.size() < MAXIMUM_WORDS) {
          words.add(frame.text());
        } else if (frame.kind() == Frame.TERMINAL) {
          terminal = frame.text();
        } else {
          throw new IOException(
              "a frame " + frame.kind() + " before the command, or too many words");
        }
        frame = Frame.read(in);
      }
      if (frame == null) {
        return;
      }
      int status = words.isEmpty() ? shell(terminal) : command(words);
      synchronized (out) {
        Frame.of(Frame.EXIT, Integer.toString(status)).write(out);
      }
    } catch (IOException e) {
      LOG.debug("a client of the console ended: {}", e.toString());
    } finally {
      gone.gone();
    }
  }

  private int command(List<String> words) {
    PrintStream printed = printing(Frame.PRINTED);
    PrintStream errors = printing(Frame.ERRORS);
    Thread runner = Thread.currentThread();
    gone.whenGone(runner::interrupt);
    listen(null);
    return console.run(user, words, printed, errors, gone);
  }

  private PrintStream printing(char kind) {
    return new PrintStream(
        new BufferedOutputStream(new FrameOutput(out, kind)), true, StandardCharsets.UTF_8);
  }

  private int shell(String description) throws IOException {
    if (description == null) {
      throw new IOException("a shell without a terminal");
    }
    String[] words = description.split(" ", 2);
    ClientTerminal terminal =
        new ClientTerminal(words[0], typed, new FrameOutput(out, Frame.PRINTED));
    terminal.resize(words.length > 1 ? words[1] : "");
    Thread runner = Thread.currentThread();
    gone.whenGone(() -> close(terminal));
    gone.whenGone(runner::interrupt);
    listen(terminal);
    console.interact(user, terminal, typed, gone);
    return 0;
  }

  private static void close(ClientTerminal terminal) {
    try {
      terminal.close();
    } catch (IOException e) {
      LOG.debug("closing a terminal: {}", e.toString());
    }
  }

  private void listen(ClientTerminal terminal) {
    Thread listener =
        new Thread(
            () -> {
              try {
                Frame frame = Frame.read(in);
                while (frame != null) {
                  if (terminal != null && frame.kind() == Frame.TYPED) {
                    typed.add(frame.contents());
                  } else if (terminal != null && frame.kind() == Frame.RESIZED) {
                    terminal.resize(frame.text());
                    terminal.raise(org.jline.terminal.Terminal.Signal.WINCH);
                  }
                  frame = Frame.read(in);
                }
              } catch (IOException e) {
                LOG.debug("a client of the console is gone: {}", e.toString());
              } finally {
                gone.gone();
              }
            },
            Thread.currentThread().getName() + "-listener");
    listener.setDaemon(true);
    listener.start();
  }
}
