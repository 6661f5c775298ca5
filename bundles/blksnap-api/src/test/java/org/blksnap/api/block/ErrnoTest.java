// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class ErrnoTest {
  @Test
  void everyNumberIsFoundWhateverItsSign() {
    for (Errno errno : Errno.values()) {
      assertEquals(errno, Errno.of(errno.code()));
      assertEquals(errno, Errno.of(-errno.code()));
    }
  }

  @Test
  void anUnknownNumberIsEio() {
    assertEquals(Errno.EIO, Errno.of(4242));
  }

  @Test
  void anExceptionThatKnowsNoneIsEio() {
    assertEquals(Errno.EIO, BlksnapException.errnoOf(new IOException("plain")));
    assertEquals(Errno.EBUSY, BlksnapException.errnoOf(new BlksnapException(Errno.EBUSY, "held")));
  }

  @Test
  void itsSymbolFollowsTheMessage() {
    assertEquals("held [EBUSY]", new BlksnapException(Errno.EBUSY, "held").toString());
  }
}
