// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.complete;

import java.util.Collection;
import java.util.stream.Stream;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.block.BlockDevice;

/** Names of attached devices and of snapshot images. */
@Service
public final class ImageCompleter extends NameCompleter {
  @Override
  Collection<String> names() {
    return services().stream()
        .flatMap(s -> Stream.concat(s.devices().stream(), s.images().stream()))
        .map(BlockDevice::name)
        .toList();
  }
}
