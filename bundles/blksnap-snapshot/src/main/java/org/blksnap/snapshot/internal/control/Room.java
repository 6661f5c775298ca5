// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

/** The parts of the engine that are other bundles and may be swapped while devices are attached. */
public enum Room {
  DEVICE("org.blksnap.device"),
  TRACKER("org.blksnap.tracker"),
  CHUNK("org.blksnap.chunk"),
  STORAGE("org.blksnap.diffstorage");

  private final String bundle;

  Room(String bundle) {
    this.bundle = bundle;
  }

  /** Symbolic name of the bundle that provides it. */
  public String bundle() {
    return bundle;
  }
}
