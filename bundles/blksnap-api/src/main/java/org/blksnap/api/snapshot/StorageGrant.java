// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;

/**
 * A place given to the difference storage of a snapshot. Sizes are bytes. No path may be null:
 * NullPointerException at once; what else is wrong with a place is said when it is given.
 * Immutable.
 */
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

  /**
   * As {@link #byDefault()} with a limit of one's own, in bytes; 0: that of the engine.
   *
   * @throws IllegalArgumentException a limit below 0
   */
  public static StorageGrant byDefault(long limit) {
    return growing(null, limit);
  }

  /** All of a file or block device. */
  public static StorageGrant all(Path fileOrDevice) {
    return ranges(fileOrDevice, List.of());
  }

  /** Ranges of a file or block device; none means all of it. */
  public static StorageGrant ranges(Path fileOrDevice, List<ByteRange> ranges) {
    Objects.requireNonNull(fileOrDevice, "fileOrDevice");
    List<ByteRange> given = List.copyOf(ranges);
    return new StorageGrant() {
      @Override
      void to(Recipient recipient) throws BlksnapException {
        recipient.ranges(fileOrDevice, given);
      }
    };
  }

  /**
   * A directory in which the storage grows up to a limit, in bytes; 0: that of {@link #byDefault}.
   *
   * @throws IllegalArgumentException a limit below 0
   */
  public static StorageGrant directory(Path directory, long limit) {
    return growing(Objects.requireNonNull(directory, "directory"), limit);
  }

  private static StorageGrant growing(Path directory, long limit) {
    if (limit < 0) {
      throw new IllegalArgumentException(
          "limit of "
              + limit
              + " bytes refused: allowed are 0, for the engine's own choice, and more");
    }
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
