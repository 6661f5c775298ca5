// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.record;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.module.TrackerState;

/**
 * A change map as it was last seen, and what is known of why its generation began.
 *
 * @param state what the module said
 * @param reason why; {@code NOT_KNOWN} where nobody here saw it
 * @param detail what was seen
 * @param since when it was seen first, by the host's clock, for people
 */
public record KnownMap(TrackerState state, GenerationReason reason, String detail, Instant since) {
  /** The same generation, seen again. */
  public KnownMap now(TrackerState newer) {
    return new KnownMap(newer, reason, detail, since);
  }

  public CbtInfo info() {
    return new CbtInfo(
        state.capacity(),
        state.blockSize(),
        state.blockCount(),
        state.generation(),
        state.changesNumber(),
        reason,
        detail,
        since);
  }

  /** Of what {@link #info} told. */
  public static KnownMap of(CbtInfo info) {
    return new KnownMap(
        new TrackerState(
            info.deviceCapacity(),
            info.blockSize(),
            info.blockCount(),
            info.generationId(),
            info.changesNumber()),
        info.reason(),
        info.reasonDetail(),
        info.since());
  }

  void put(Map<String, String> values, String prefix) {
    values.put(prefix + "capacity", Long.toString(state.capacity()));
    values.put(prefix + "block_size", Integer.toString(state.blockSize()));
    values.put(prefix + "block_count", Integer.toString(state.blockCount()));
    values.put(prefix + "generation", state.generation().toString());
    values.put(prefix + "number", Integer.toString(state.changesNumber()));
    values.put(prefix + "reason", reason.name());
    values.put(prefix + "detail", detail);
    values.put(prefix + "since", since.toString());
  }

  static Optional<KnownMap> in(Map<String, String> values, String prefix) {
    if (!values.containsKey(prefix + "generation")) {
      return Optional.empty();
    }
    return Optional.of(
        new KnownMap(
            new TrackerState(
                Long.parseLong(values.get(prefix + "capacity")),
                Integer.parseInt(values.get(prefix + "block_size")),
                Integer.parseInt(values.get(prefix + "block_count")),
                UUID.fromString(values.get(prefix + "generation")),
                Integer.parseInt(values.get(prefix + "number"))),
            GenerationReason.valueOf(values.get(prefix + "reason")),
            values.get(prefix + "detail"),
            Instant.parse(values.get(prefix + "since"))));
  }
}
