// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.support.CommandException;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.shell.internal.complete.EngineCompleter;
import org.blksnap.shell.internal.lookup.Engines;
import org.blksnap.shell.internal.lookup.Locator;

/**
 * What all commands share: the services, the choice of an engine, and what becomes of a refusal:
 * one line with the errno's symbol, a non-zero exit status, and no stack in front of the user.
 */
public abstract class BlksnapCommand implements Action {
  @Reference Engines engines;

  @Option(
      name = "--engine",
      description = "Use this engine only: userspace or kernel",
      required = false)
  @Completion(EngineCompleter.class)
  String engine;

  @Option(
      name = TrailingOptions.END,
      description = "Ends the options: what follows is an argument",
      required = false)
  boolean ended;

  @Override
  public final Object execute() throws CommandException {
    TrailingOptions.apply(this, ended);
    try {
      run(System.out);
      return null;
    } catch (IOException e) {
      String line =
          (e instanceof BlksnapException
                  ? e.toString()
                  : e.getMessage() + " [" + BlksnapException.errnoOf(e) + "]")
              .replaceAll("\\s*\\R\\s*", " ");
      throw new CommandException(line, line, e);
    }
  }

  /** A {@link CommandException} passes as it is. */
  abstract void run(PrintStream out) throws IOException, CommandException;

  /** Finds things in the chosen engine, or in all. */
  final Locator locator() {
    return new Locator(engines, engine);
  }
}
