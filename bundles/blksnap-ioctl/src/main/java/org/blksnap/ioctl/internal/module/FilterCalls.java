// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.io.Closeable;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;

/** How a dialect reaches the filter of a block device. */
interface FilterCalls extends Closeable {
  /** One device, for some calls; closed by who opened it. ENOENT, ENOTBLK and what open(2) says. */
  Filtered open(String call, Path device) throws BlksnapException;

  @Override
  void close();

  /** The filter of one device. */
  interface Filtered extends Closeable {
    void attach() throws BlksnapException;

    void detach() throws BlksnapException;

    /** A command of the filter; the option is read or written by it. */
    void control(String name, int command, Memory option, Node.Broken broken)
        throws BlksnapException;

    @Override
    void close();
  }
}
