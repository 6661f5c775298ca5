// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.Collection;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.shell.internal.lookup.Engines;

/** Names of the engines present. */
@Service
public final class EngineCompleter extends NameCompleter {
  @Override
  Collection<String> names() {
    return engines.present().stream().map(Engines.Engine::name).toList();
  }
}
