// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.export;

import java.io.IOException;
import org.blksnap.api.block.BlockDevice;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whiteboard: register a service of this type to have a block device of your own served over NBD,
 * beside devices and images: a restore point, for instance. It is served as long as the service is
 * registered. Called in the threads of connections, several at once.
 *
 * <p>Whatever it throws beside an {@link IOException}, and whatever its devices throw so, is EIO to
 * the client, and nobody else's trouble. So is a call that does not return, for which the server
 * has a bound: the devices that are open or being opened, of all sources together, are at most half
 * of the clients that one peer may have.
 *
 * <p>Where the service goes while clients are on it, requests under way end; later ones wait for
 * another service of this name, whose device is opened in place of the old one. It is taken for the
 * same thing where its capacity is the same. A request fails with ESHUTDOWN where none comes in
 * time. Likewise after an update of the server itself. Before it lets a device go so, the server
 * waits for what is under way and flushes what was written.
 */
@ConsumerType
public interface ExportSource {
  /**
   * The name clients ask for: 1 to 4096 bytes of UTF-8 without control characters. Asked once, when
   * the service appears; returns at once. Devices and images come first where one has that name,
   * and of two sources the older service; {@code blksnap:doctor} names the one that is not served.
   */
  String name();

  /** A sentence for people, shown in listings. Asked once, as {@link #name}. */
  default String description() {
    return "";
  }

  /**
   * The device for one connection; not called for a listing. Its capacity stays as it is. May take
   * its time: the client waits. A failure refuses the client, with its message.
   */
  BlockDevice open() throws IOException;

  /**
   * The device is no longer used: the connection has ended, or another device took its place.
   * Called once for each device opened, when no request is under way in it any more. Does not
   * throw.
   */
  default void release(BlockDevice device) {}
}
