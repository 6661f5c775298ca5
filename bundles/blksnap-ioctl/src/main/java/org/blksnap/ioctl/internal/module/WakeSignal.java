// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.util.OptionalInt;

/**
 * A real-time signal whose handler does nothing, so that it can break off a system call of one
 * thread and has no other effect. It is looked for once, among those nobody in this process uses;
 * one that an earlier life of this bundle set up is recognised by its handler and taken again. The
 * handler is a function of the C library and stays when this bundle goes: a signal that is still
 * under way then finds it.
 *
 * <p>Left out: the signal that the JDK uses for the same purpose, SIGRTMAX - 2, and what is below
 * {@link #LOWEST}, which C libraries keep for themselves.
 */
final class WakeSignal {
  static final int HIGHEST = 58;
  static final int LOWEST = 40;

  private final ModuleCalls calls;
  private final OptionalInt signal;

  private WakeSignal(ModuleCalls calls, OptionalInt signal) {
    this.calls = calls;
    this.signal = signal;
  }

  static WakeSignal find(ModuleCalls calls) {
    for (int candidate = HIGHEST; candidate >= LOWEST; candidate--) {
      if (calls.handle(candidate) >= 0) {
        return new WakeSignal(calls, OptionalInt.of(candidate));
      }
    }
    return new WakeSignal(calls, OptionalInt.empty());
  }

  /** False where every signal has another user: waits are then made in short slices. */
  boolean usable() {
    return signal.isPresent();
  }

  /**
   * To a thread that is alive as long as this runs. Not where somebody has taken the signal since;
   * and where its handler was taken away, it has it again first, for without one it would end the
   * process.
   */
  void send(int thread) {
    if (signal.isPresent() && calls.handle(signal.getAsInt()) >= 0) {
      calls.signal(thread, signal.getAsInt());
    }
  }
}
