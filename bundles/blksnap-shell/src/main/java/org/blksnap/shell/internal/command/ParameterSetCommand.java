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
import org.blksnap.api.snapshot.ParameterRange;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.shell.internal.complete.ParameterCompleter;
import org.blksnap.shell.internal.complete.ParameterValueCompleter;

/** {@code blksnap:parameter-set}. */
@Service
@Command(scope = "blksnap", name = "parameter-set", description = "Sets a parameter and keeps it")
public final class ParameterSetCommand extends BlksnapCommand {
  @Argument(name = "parameter", description = "Its name", required = true)
  @Completion(ParameterCompleter.class)
  String key;

  @Argument(index = 1, name = "value", description = "A whole number", required = true)
  @Completion(ParameterValueCompleter.class)
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
    Parameters parameters = engines.parameters(engine);
    ParameterRange range = parameters.range(known);
    parameters.set(known, range.parse(value));
    out.println(
        known.key()
            + " = "
            + parameters.value(known)
            + " "
            + range.unit()
            + ", read "
            + known.readWhen().text());
  }
}
