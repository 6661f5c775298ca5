// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

/** What a restored image begins with; each constant promises more than the one before it. */
public enum Consistency {
  /** What a loss of power at the moment of the take would have left on the devices. */
  CRASH("as after a loss of power"),
  /** Every device was under file systems of this host, and all of them were frozen. */
  FILE_SYSTEM("the file systems are clean"),
  /** Applications held still: at least one participant was asked, and all of them answered. */
  APPLICATION("the applications held still");

  private final String text;

  Consistency(String text) {
    this.text = text;
  }

  /** A few words for people, without a full stop. */
  public String text() {
    return text;
  }
}
