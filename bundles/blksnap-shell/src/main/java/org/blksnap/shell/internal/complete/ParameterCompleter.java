// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.Arrays;
import java.util.Collection;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.snapshot.Parameter;

/** Keys of the parameters. */
@Service
public final class ParameterCompleter extends NameCompleter {
  @Override
  Collection<String> names() {
    return Arrays.stream(Parameter.values()).map(Parameter::key).toList();
  }
}
