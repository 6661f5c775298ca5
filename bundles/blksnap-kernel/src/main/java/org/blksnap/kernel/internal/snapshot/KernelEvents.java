// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.time.Instant;
import java.util.Optional;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.enginebase.EventRelay;
import org.blksnap.kernel.internal.record.SnapshotRecord.Member;
import org.blksnap.spi.module.ModuleEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What becomes of the events of one snapshot; in the thread of its pump. */
final class KernelEvents implements EventPump.Sink {
  private static final Logger LOG = LoggerFactory.getLogger(KernelEvents.class);

  private final HeldSnapshot snapshot;
  private final EventRelay relay;
  private final Destruction destruction;

  KernelEvents(HeldSnapshot snapshot, EventRelay relay, Destruction destruction) {
    this.snapshot = snapshot;
    this.relay = relay;
    this.destruction = destruction;
  }

  @Override
  public void event(ModuleEvent event) {
    if (event instanceof ModuleEvent.LowFreeSpace low) {
      asked(low.requestedBytes());
    } else if (event instanceof ModuleEvent.NoSpace over) {
      asked(over.requestedBytes());
    } else if (event instanceof ModuleEvent.Corrupted lost) {
      corrupted(lost);
    } else {
      LOG.info("snapshot {}: the kernel says {}, which means nothing here", snapshot.id(), event);
    }
  }

  /** What a directory answers by itself is nobody's business. */
  private void asked(long bytes) {
    long missing = snapshot.storage().asked(bytes);
    if (missing > 0) {
      tell(new BlksnapEvent.LowFreeSpace(Instant.now(), relay.engine(), snapshot.id(), missing));
    }
  }

  private void corrupted(ModuleEvent.Corrupted lost) {
    Optional<Member> member =
        snapshot.record().members().stream()
            .filter(m -> m.major() == lost.major() && m.minor() == lost.minor())
            .findFirst();
    String device = member.map(Member::device).orElse(lost.major() + ":" + lost.minor());
    String detail = Loss.words(lost.error());
    snapshot.broken(device, lost.error(), detail);
    LOG.error("snapshot {}: the image of device {} is lost: {}", snapshot.id(), device, detail);
    tell(
        new BlksnapEvent.Corrupted(
            Instant.now(),
            relay.engine(),
            snapshot.id(),
            device,
            lost.major(),
            lost.minor(),
            lost.error(),
            detail));
  }

  private void tell(BlksnapEvent.OfSnapshot event) {
    snapshot.untaken().add(event);
    relay.offer(event);
  }

  @Override
  public boolean again() {
    return snapshot.storage().again();
  }

  @Override
  public void gone() {
    destruction.gone(snapshot);
  }
}
