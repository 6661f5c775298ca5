// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;

/** A place given to the difference storage of a snapshot. Sizes are bytes. */
public abstract class StorageGrant {
  private StorageGrant() {}

  /**
   * The engine's own choice: a directory {@code diff} in the state directory, in which the storage
   * grows as it is needed. Its limit is all that could ever be saved of the snapshot's devices, at
   * least {@link Parameter#DIFF_STORAGE_MINIMUM} by default, but no more than half of what is free
   * there.
   */
  public static StorageGrant byDefault() {
    return byDefault(0);
  }

  /** As {@link #byDefault()} with a limit of one's own, in bytes; 0: that of the engine. */
  public static StorageGrant byDefault(long limit) {
    return directory(null, limit);
  }

  /** All of a file or block device. */
  public static StorageGrant all(Path fileOrDevice) {
    return ranges(fileOrDevice, List.of());
  }

  /** Ranges of a file or block device; none means all of it. */
  public static StorageGrant ranges(Path fileOrDevice, List<ByteRange> ranges) {
    List<ByteRange> given = List.copyOf(ranges);
    return new StorageGrant() {
      @Override
      void to(Recipient recipient) throws BlksnapException {
        recipient.ranges(fileOrDevice, given);
      }
    };
  }

  /** A directory in which the storage grows up to a limit; 0: the limit of {@link #byDefault}. */
  public static StorageGrant directory(Path directory, long limit) {
    return new StorageGrant() {
      @Override
      void to(Recipient recipient) throws BlksnapException {
        recipient.directory(directory, limit);
      }
    };
  }

  /** Memory, for tests and small devices; it does not outlive the process. */
  public static StorageGrant memory(long bytes) {
    return new StorageGrant() {
      @Override
      void to(Recipient recipient) throws BlksnapException {
        recipient.memory(bytes);
      }
    };
  }

  /** For engines: gives it to whoever makes storage of it. */
  public final void give(Recipient recipient) throws BlksnapException {
    to(recipient);
  }

  abstract void to(Recipient recipient) throws BlksnapException;

  /** Who makes storage of a grant: an engine. */
  @org.osgi.annotation.versioning.ProviderType
  public interface Recipient {
    /** As {@link Snapshot#appendStorage}. */
    void ranges(Path fileOrDevice, List<ByteRange> ranges) throws BlksnapException;

    /** A null directory is the engine's own, a limit of 0 its own choice. */
    void directory(Path directory, long limit) throws BlksnapException;

    /** As {@link Snapshot#appendStorageMemory}. */
    void memory(long bytes) throws BlksnapException;
  }
}
