// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.device;

import java.util.Optional;
import java.util.UUID;
import org.blksnap.kernel.internal.host.Disk;

/** What else a block device may be. Any thread. */
public interface OtherUses {
  /** The snapshot whose storage it is, or a part of it, or the disk that it is on. */
  Optional<UUID> storageOn(Disk disk);

  /** It does not become storage until what is answered is closed. */
  Attaching attaching(Disk disk);

  /** A device is being attached until this is closed. */
  interface Attaching extends AutoCloseable {
    @Override
    void close();
  }
}
