// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;

/** An event of a snapshot; what an event has not is zero or null. */
public record EventRow(
    UUID snapshot,
    long timeLabel,
    int code,
    String event,
    long requestedSectors,
    String device,
    int major,
    int minor,
    Errno error,
    String detail) {
  public static final Listing<EventRow> LISTING =
      new Listing<EventRow>()
          .text("snapshot", EventRow::snapshot)
          .number("time_label", EventRow::timeLabel)
          .number("code", EventRow::code)
          .text("event", EventRow::event)
          .number("requested_nr_sect", EventRow::requestedSectors)
          .text("device", EventRow::device)
          .number("dev_id_mj", EventRow::major)
          .number("dev_id_mn", EventRow::minor)
          .text("error", EventRow::error)
          .number("err_code", e -> e.error() == null ? 0 : e.error().code())
          .text("detail", EventRow::detail);

  public static EventRow of(BlksnapEvent.OfSnapshot event) throws BlksnapException {
    if (event instanceof BlksnapEvent.LowFreeSpace low) {
      return new EventRow(
          low.snapshot(),
          low.timeLabel(),
          0,
          "low_free_space",
          low.requestedSectors(),
          null,
          0,
          0,
          null,
          "the storage asks for "
              + Quantity.text(low.requestedSectors() * ByteRange.SECTOR)
              + " more; give it with blksnap:snapshot-append-storage");
    }
    if (event instanceof BlksnapEvent.Corrupted lost) {
      return new EventRow(
          lost.snapshot(),
          lost.timeLabel(),
          1,
          "corrupted",
          0,
          lost.device(),
          lost.major(),
          lost.minor(),
          lost.error(),
          lost.detail());
    }
    throw new BlksnapException(
        Errno.EINVAL,
        "event "
            + event.getClass().getSimpleName()
            + " refused: allowed are low_free_space and corrupted; the engine is newer than this"
            + " shell, update it");
  }
}
