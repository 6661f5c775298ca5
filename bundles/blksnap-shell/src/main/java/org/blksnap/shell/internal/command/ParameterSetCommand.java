// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.Optional;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.complete.ParameterCompleter;

/** {@code blksnap:parameter-set}. */
@Service
@Command(scope = "blksnap", name = "parameter-set", description = "Sets a parameter and keeps it")
public final class ParameterSetCommand extends BlksnapCommand {
  @Argument(name = "parameter", description = "Its name", required = true)
  @Completion(ParameterCompleter.class)
  String key;

  @Argument(index = 1, name = "value", description = "A whole number", required = true)
  @Completion(OptionCompleter.class)
  String value;

  @Override
  void run(PrintStream out) throws IOException {
    Optional<Parameter> parameter = Parameter.ofKey(key);
    if (parameter.isEmpty()) {
      throw new BlksnapException(
          Errno.EINVAL,
          "parameter "
              + key
              + " refused: no such parameter; blksnap:parameter-list shows all nine");
    }
    Parameter known = parameter.get();
    engines.parameters().set(known, known.parse(value));
    out.println(
        known.key()
            + " = "
            + engines.parameters().value(known)
            + " "
            + known.unit()
            + ", read "
            + known.readWhen().text());
  }
}
