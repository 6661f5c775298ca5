// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.nio.ByteBuffer;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.layout.Upstream;
import org.blksnap.ioctl.internal.layout.Veeam6;
import org.blksnap.ioctl.internal.layout.Veeam7;
import org.blksnap.spi.module.ModuleEvent;

/** What the codes of events mean in a dialect; {@link #NONE} where it has no such event. */
record EventCodes(int lowFreeSpace, int corrupted, int noSpace) {
  static final int NONE = -1;

  static final EventCodes SEED =
      new EventCodes(Seed.EVENT_LOW_FREE_SPACE, Seed.EVENT_CORRUPTED, NONE);
  static final EventCodes UPSTREAM = new EventCodes(NONE, Upstream.EVENT_CORRUPTED, NONE);
  static final EventCodes UPSTREAM_6_15 =
      new EventCodes(NONE, Upstream.EVENT_CORRUPTED, Upstream.EVENT_NO_SPACE);
  static final EventCodes VEEAM_7 =
      new EventCodes(Veeam7.EVENT_LOW_FREE_SPACE, Veeam7.EVENT_CORRUPTED, NONE);
  static final EventCodes VEEAM_6 =
      new EventCodes(Veeam6.EVENT_LOW_FREE_SPACE, Veeam6.EVENT_CORRUPTED, NONE);

  ModuleEvent decode(ByteBuffer event) {
    int code = (int) Seed.EVENT_CODE.get(event);
    long time = Seed.EVENT_TIME.get(event);
    ByteBuffer data = Layout.buffer(event.duplicate().position(Seed.EVENT_DATA.offset()).slice());
    if (code >= 0 && code == lowFreeSpace) {
      return new ModuleEvent.LowFreeSpace(time, bytes(data));
    }
    if (code >= 0 && code == noSpace) {
      return new ModuleEvent.NoSpace(time, bytes(data));
    }
    if (code >= 0 && code == corrupted) {
      int number = Math.abs((int) Seed.CORRUPTED_ERROR.get(data));
      return new ModuleEvent.Corrupted(
          time,
          (int) Seed.CORRUPTED_MAJOR.get(data),
          (int) Seed.CORRUPTED_MINOR.get(data),
          Errno.of(number),
          number);
    }
    return new ModuleEvent.Other(time, code);
  }

  /** Of a number of sectors; more than a long holds is the most a long holds. */
  private static long bytes(ByteBuffer data) {
    long sectors = Seed.LOW_REQUESTED.get(data);
    return sectors < 0 || sectors > Long.MAX_VALUE / ByteRange.SECTOR
        ? Long.MAX_VALUE
        : sectors * ByteRange.SECTOR;
  }
}
