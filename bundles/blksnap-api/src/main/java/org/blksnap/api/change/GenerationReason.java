// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.change;

/** Why a change map began anew, so that the next backup has to be a full one. */
public enum GenerationReason {
  FIRST_ATTACH("the device was attached for the first time"),
  RESIZE("the device's capacity changed"),
  WRAP("the snapshot number reached 255"),
  UNCLEAN_POWER_LOSS("the host went down without a clean detach; marks may have been lost"),
  CHANGED_WHILE_DETACHED("the device was changed while it was not tracked"),
  UNPROVEN("nothing proves that nobody else wrote to the device while it was not tracked"),
  OTHER_DEVICE("another device is found under this name"),
  TRACKER_LOST("the tracker bundle was gone; writes passed untracked"),
  MAP_CORRUPTED("the change map was damaged"),
  MAP_UNREADABLE("the change map's file was missing, damaged or of another version"),
  PARAMETERS_CHANGED("the tracking block size was changed by an operator"),
  REQUESTED("an operator asked for it"),
  NOT_KNOWN("the engine does not tell why");

  private final String text;

  GenerationReason(String text) {
    this.text = text;
  }

  /** A sentence for people, without a full stop. */
  public String text() {
    return text;
  }
}
