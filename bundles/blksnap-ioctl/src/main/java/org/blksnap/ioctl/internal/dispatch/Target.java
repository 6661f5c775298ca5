// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

/**
 * What the call was made on: what {@code fstat(2)} says of the program's descriptor, and the path
 * it was found by.
 *
 * @param major of a block device; 0 otherwise
 * @param minor of a block device; 0 otherwise
 * @param device {@code st_dev} of a file; 0 otherwise
 * @param inode {@code st_ino} of a file; 0 otherwise
 * @param path where the program sees it; to be believed only where it leads to the same thing here
 */
public record Target(Kind kind, int major, int minor, long device, long inode, String path) {
  /** The control device. */
  public static final Target CONTROL = new Target(Kind.CONTROL, 0, 0, 0, 0, "");

  /** What a descriptor may be. */
  public enum Kind {
    CONTROL,
    BLOCK_DEVICE,
    FILE
  }

  public static Target blockDevice(int major, int minor, String path) {
    return new Target(Kind.BLOCK_DEVICE, major, minor, 0, 0, path);
  }

  public static Target file(long device, long inode, String path) {
    return new Target(Kind.FILE, 0, 0, device, inode, path);
  }

  /** For people. */
  @Override
  public String toString() {
    return switch (kind) {
      case CONTROL -> "the control device";
      case BLOCK_DEVICE -> "block device " + major + ":" + minor + " (" + path + ")";
      case FILE -> "file " + path;
    };
  }
}
