// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.module;

/**
 * The dialects in the field (reference, section 8). Which one is loaded is told by its nodes and
 * the names of its parameters, never by a version number.
 */
public enum Dialect {
  /** Interface 2.0.0.0; also patch versions 4 and 5. */
  SEED("blksnap 2.0.0.0"),
  /** Storage is one file, given by a descriptor at the creation. */
  UPSTREAM_6("blksnap upstream v6"),
  /** Storage is one file, given by its name at the creation. */
  UPSTREAM_7("blksnap upstream v7"),
  /** As v7, with other filter calls and image names. */
  UPSTREAM_6_15("blksnap upstream for linux 6.15"),
  /** Veeam Agent 7. */
  VEEAM_7("veeamblksnap 7"),
  /** Veeam Agent 6. */
  VEEAM_6("veeamblksnap 6");

  private final String text;

  Dialect(String text) {
    this.text = text;
  }

  /** A name for people. */
  public String text() {
    return text;
  }
}
