// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;

class WakeSignalTest {
  @Test
  void aSignalOfSomebodyElseIsNotTaken() throws Exception {
    ModuleCalls calls = LibcModuleCalls.load();
    assertEquals(-Errno.EBUSY.code(), calls.handle(11), "the JVM handles SIGSEGV");
    assertEquals(0, calls.handle(WakeSignal.HIGHEST));
    assertEquals(0, calls.handle(WakeSignal.HIGHEST), "our own is taken again");
  }

  @Test
  void aSignalThatSomebodyTookSinceIsNotSent() throws Exception {
    AtomicInteger sent = new AtomicInteger();
    AtomicInteger handled = new AtomicInteger();
    FakeKernel kernel =
        new FakeKernel() {
          @Override
          public int handle(int signal) {
            return handled.get();
          }

          @Override
          public int signal(int thread, int signal) {
            return sent.incrementAndGet();
          }
        };
    WakeSignal wake = WakeSignal.find(kernel);
    wake.send(1);
    assertEquals(1, sent.get());
    handled.set(-Errno.EBUSY.code());
    wake.send(1);
    assertEquals(1, sent.get());
  }
}
