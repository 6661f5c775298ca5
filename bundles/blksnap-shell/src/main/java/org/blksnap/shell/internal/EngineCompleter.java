// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal;

import java.util.Collection;
import org.apache.karaf.shell.api.action.lifecycle.Service;

/** Names of the engines present. */
@Service
public final class EngineCompleter extends NameCompleter {
  @Override
  Collection<String> names() {
    return engines.present().stream().map(Engines.Engine::name).toList();
  }
}
