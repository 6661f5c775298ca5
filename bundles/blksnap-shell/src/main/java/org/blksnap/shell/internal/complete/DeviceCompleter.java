// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.Collection;
import org.apache.karaf.shell.api.action.lifecycle.Service;

/** Names of attached devices. */
@Service
public final class DeviceCompleter extends NameCompleter {
  @Override
  Collection<String> names() {
    return services().stream().flatMap(s -> s.devices().stream()).map(d -> d.name()).toList();
  }
}
