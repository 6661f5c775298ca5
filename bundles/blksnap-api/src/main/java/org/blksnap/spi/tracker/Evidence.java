// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.tracker;

/**
 * How a device was left by whoever tracked it last in this boot of the host, without closing its
 * map.
 *
 * @param fingerprint of the device then, everything written by then in it; empty where it is not
 *     known
 * @param missing why it is not known, for people; empty where it is
 */
public record Evidence(String fingerprint, String missing) {
  public static Evidence of(String fingerprint) {
    return new Evidence(fingerprint, "");
  }

  public static Evidence none(String why) {
    return new Evidence("", why);
  }

  public boolean known() {
    return !fingerprint.isEmpty();
  }
}
