// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.Collection;
import java.util.UUID;
import org.apache.karaf.shell.api.action.lifecycle.Service;

/** Ids of snapshots. */
@Service
public final class SnapshotCompleter extends NameCompleter {
  @Override
  Collection<String> names() {
    return services().stream().flatMap(s -> s.collect().stream()).map(UUID::toString).toList();
  }
}
