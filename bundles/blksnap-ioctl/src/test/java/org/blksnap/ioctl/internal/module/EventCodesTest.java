// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.layout.Upstream;
import org.blksnap.spi.module.EventWait;
import org.blksnap.spi.module.ModuleEvent;
import org.junit.jupiter.api.Test;

/** Events of the dialects. */
class EventCodesTest extends ModuleFixture {
  private void event(long word, int code, long first, int error) {
    kernel.on(
        word,
        argument -> {
          assertEquals(ID, Seed.EVENT_ID.uuid(argument));
          Seed.EVENT_CODE.put(argument, code);
          Seed.EVENT_TIME.put(argument, 77);
          argument.putLong(32, first);
          argument.putInt(40, error);
          return 0;
        });
  }

  private ModuleEvent next() throws Exception {
    try (EventWait wait = module.events(ID)) {
      return wait.next(Duration.ofSeconds(10)).orElseThrow();
    }
  }

  @Test
  void codesOfEventsAreTheDialects() throws Exception {
    loadLinux615();
    long corrupted = 5L << 32 | 253;
    event(Upstream.WAIT_EVENT_CALL, 0, corrupted, -28);
    assertEquals(new ModuleEvent.Corrupted(77, 253, 5, Errno.ENOSPC, 28), next());
    event(Upstream.WAIT_EVENT_CALL, 1, 1000, 0);
    assertEquals(new ModuleEvent.NoSpace(77, 512_000), next());
    event(Upstream.WAIT_EVENT_CALL, 0x42, 1000, 0);
    assertEquals(new ModuleEvent.Other(77, 0x42), next());
    event(Upstream.WAIT_EVENT_CALL, -1, 0, 0);
    assertEquals(new ModuleEvent.Other(77, -1), next());
  }

  @Test
  void upstreamSevenKnowsNoEventOfSpace() throws Exception {
    loadUpstream(Errno.EFAULT);
    event(Upstream.WAIT_EVENT_CALL, 1, 1000, 0);
    assertEquals(new ModuleEvent.Other(77, 1), next());
  }

  @Test
  void veeamSevenAsksForSpaceWithAnotherCode() throws Exception {
    loadVeeam7();
    event(Upstream.WAIT_EVENT_CALL, 1, 1000, 0);
    assertEquals(new ModuleEvent.LowFreeSpace(77, 512_000), next());
    event(Upstream.WAIT_EVENT_CALL, 0, 253, 5);
    assertEquals(new ModuleEvent.Corrupted(77, 253, 0, Errno.EIO, 5), next());
    event(Upstream.WAIT_EVENT_CALL, 1, Long.MIN_VALUE, 0);
    assertEquals(new ModuleEvent.LowFreeSpace(77, Long.MAX_VALUE), next());
  }
}
