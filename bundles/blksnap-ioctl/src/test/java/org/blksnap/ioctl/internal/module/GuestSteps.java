// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** Steps of the program in the guest, told as they are done. */
final class GuestSteps {
  interface Step {
    void make() throws Exception;
  }

  private GuestSteps() {}

  static void step(String name, Step step) throws Exception {
    long began = System.nanoTime();
    step.make();
    System.out.printf("ok %s (%d ms)%n", name, (System.nanoTime() - began) / 1_000_000);
  }

  static void check(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  static void refuses(Errno errno, Step call) throws Exception {
    try {
      call.make();
    } catch (BlksnapException refusal) {
      check(refusal.errno() == errno, "expected " + errno + ": " + refusal);
      return;
    }
    throw new AssertionError("was done, expected " + errno);
  }
}
