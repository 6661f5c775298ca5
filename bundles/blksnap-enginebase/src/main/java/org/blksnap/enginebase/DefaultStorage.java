// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Parameter;

/** Where the storage of snapshots goes that nobody gave a place for, and how far it may grow. */
public final class DefaultStorage {
  /** Least limit, in bytes, where the disk has it: one portion of the default size. */
  public static final long LEAST_LIMIT =
      Parameter.DIFF_STORAGE_MINIMUM.defaultValue() * ByteRange.SECTOR;

  private DefaultStorage() {}

  /** The directory, made readable by its owner alone where it is not there yet. */
  public static Path made(Path stateDirectory) throws BlksnapException {
    Path place = stateDirectory.resolve("diff");
    try {
      return Files.createDirectories(
          place,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "difference storage " + place + " was not made: " + e, e);
    }
  }

  /**
   * All that can ever be saved, but no more than half of what is free there. ENOSPC: nothing is.
   *
   * @param everything bytes of all devices of the snapshot
   */
  public static long limit(Path place, long everything) throws BlksnapException {
    try {
      return limit(place, everything, Files.getFileStore(place).getUsableSpace());
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "how much is free for difference storage in " + place + " is not known: " + e,
          e);
    }
  }

  static long limit(Path place, long everything, long free) throws BlksnapException {
    long limit = Math.min(Math.max(everything, LEAST_LIMIT), free / 2);
    if (limit < ByteRange.SECTOR) {
      throw new BlksnapException(
          Errno.ENOSPC,
          "difference storage in "
              + place
              + " refused: "
              + free
              + " bytes are free there; make room, or name another place for it");
    }
    return limit / ByteRange.SECTOR * ByteRange.SECTOR;
  }
}
