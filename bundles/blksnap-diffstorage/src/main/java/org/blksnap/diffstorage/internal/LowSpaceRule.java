// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

/**
 * When a pool asks for more (reference, section 7). Everything in sectors. At its creation a pool
 * has asked for the minimum once. From then on it asks again, for the minimum, whenever what was
 * requested and is not yet filled falls to half of the minimum or below; but not before it got what
 * it had asked for.
 */
final class LowSpaceRule {
  private LowSpaceRule() {}

  static boolean asks(long requested, long filled, long capacity, long minimum) {
    return capacity >= requested && requested - filled <= minimum / 2;
  }
}
