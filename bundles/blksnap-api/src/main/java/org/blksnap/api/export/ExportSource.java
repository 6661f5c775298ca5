// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.export;

import java.io.IOException;
import org.blksnap.api.block.BlockDevice;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whiteboard: register a service of this type to have a block device of your own served over NBD,
 * beside devices and images: a restore point, for instance. It is served as long as the service is
 * registered. Called in the threads of connections, several at once.
 */
@ConsumerType
public interface ExportSource {
  /**
   * The name clients ask for: 1 to 4096 bytes of UTF-8 without control characters, the same as long
   * as the service is registered. Devices and images come first where one has that name, and of two
   * sources the older service; {@code blksnap:doctor} names the one that is not served.
   */
  String name();

  /** A sentence for people, shown in listings. */
  default String description() {
    return "";
  }

  /**
   * The device for one connection. May take its time: the client waits. A failure refuses the
   * client, with its message.
   */
  BlockDevice open() throws IOException;

  /** The connection has ended; called once for each device opened. Does not throw. */
  default void release(BlockDevice device) {}
}
