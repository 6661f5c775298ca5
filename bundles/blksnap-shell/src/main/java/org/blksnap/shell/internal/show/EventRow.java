// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import java.time.Instant;
import java.util.UUID;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;

/** An event that {@code wait_event} tells; what an event has not is zero or null. */
public record EventRow(
    UUID snapshot,
    String engine,
    Instant time,
    int code,
    String event,
    long requestedBytes,
    String device,
    int major,
    int minor,
    Errno error,
    String detail) {
  public static final Listing<EventRow> LISTING =
      new Listing<EventRow>()
          .text("snapshot", EventRow::snapshot)
          .text("engine", EventRow::engine)
          .text("time", EventRow::time)
          .number("code", EventRow::code)
          .text("event", EventRow::event)
          .bytes("requested_bytes", EventRow::requestedBytes)
          .text("device", EventRow::device)
          .number("dev_id_mj", EventRow::major)
          .number("dev_id_mn", EventRow::minor)
          .text("error", EventRow::error)
          .number("err_code", e -> e.error() == null ? 0 : e.error().code())
          .text("detail", EventRow::detail);

  /** Null for an event that {@code wait_event} does not tell. */
  public static EventRow of(BlksnapEvent.OfSnapshot event) {
    if (event instanceof BlksnapEvent.LowFreeSpace low) {
      return new EventRow(
          low.snapshot(),
          low.engine(),
          low.time(),
          0,
          "low_free_space",
          low.requestedBytes(),
          null,
          0,
          0,
          null,
          "the storage asks for "
              + Quantity.text(low.requestedBytes())
              + " more; give it with blksnap:snapshot-append-storage");
    }
    if (event instanceof BlksnapEvent.Corrupted lost) {
      return new EventRow(
          lost.snapshot(),
          lost.engine(),
          lost.time(),
          1,
          "corrupted",
          0,
          lost.device(),
          lost.major(),
          lost.minor(),
          lost.error(),
          lost.detail());
    }
    return null;
  }
}
