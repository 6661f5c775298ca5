// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.storage;

import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/** Makes difference storages. Any thread. */
@ProviderType
public interface StorageProvider {
  /** A new, empty one; asks for its first portion at once. */
  DiffStorage create(StorageRequest request) throws BlksnapException;

  /**
   * Goes on with what the file says: same ranges, same addresses, same fill. EFAULT: the file is
   * damaged. Memory parts are found again only within this process.
   */
  DiffStorage adopt(StorageRequest request) throws BlksnapException;
}
