// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

/** Answer of the version call: four unsigned 16-bit numbers. */
public record Version(int major, int minor, int revision, int build) {
  /** The interface version this project implements. */
  public static final Version INTERFACE = new Version(2, 0, 0, 0);

  @Override
  public String toString() {
    return major + "." + minor + "." + revision + "." + build;
  }
}
