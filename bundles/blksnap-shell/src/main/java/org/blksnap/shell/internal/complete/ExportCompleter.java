// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.Collection;
import java.util.List;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.export.Export;

/** Names of what is served. */
@Service
public final class ExportCompleter extends NameCompleter {
  @Override
  Collection<String> names() {
    return engines
        .presentExports()
        .map(server -> server.exports().stream().map(Export::name).toList())
        .orElse(List.of());
  }
}
