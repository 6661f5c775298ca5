// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.event;

import java.time.Duration;
import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A subscriber's own queue of one snapshot's events; {@code Snapshot.subscribe()} makes one. Nobody
 * else takes from it, and what its owner does or leaves undone holds up nobody.
 *
 * <p>It begins with the events that lie in the queue behind {@code Snapshot.waitEvent} at that
 * moment, and leaves them there. Every later event of the snapshot follows, of every kind. What
 * happened before and was taken from that queue is not told again: {@code Snapshot.info()} has the
 * first error of each image, {@code Snapshot.storage()} what the storage asks for.
 *
 * <p>A swap of the event bundle leaves it as it is. It ends with the snapshot ({@link
 * BlksnapEvent.Destroyed} is the last event) and with the engine's stop or update; what waits then
 * can still be taken. After an update the snapshot lives in the engine's successor: look it up
 * there by its id and subscribe again.
 *
 * <p>At most {@link #CAPACITY} events wait. In a full queue the oldest {@link
 * BlksnapEvent.LowFreeSpace} gives way, for a later one asks again; where there is none, the new
 * event is dropped. {@link BlksnapEvent.Corrupted} is never dropped; there is one a device. {@link
 * #dropped()} counts what is missing. An owner that has forgotten it without closing costs no more
 * than that: once nothing refers to it, the engine lets it go.
 *
 * <p>Thread rule: any thread, also several at once; an event goes to one of them.
 */
@ProviderType
public interface EventSubscription extends AutoCloseable {
  /** Events that wait at most, not counting {@link BlksnapEvent.Corrupted}. */
  int CAPACITY = 1024;

  /**
   * The oldest event, waiting for one; a timeout of zero or less asks once. ENOENT: none came in
   * time. EINTR: interrupted. When no event is left: ESRCH once the snapshot is destroyed,
   * ESHUTDOWN once the engine has stopped. ESTALE: closed. All of these end a wait, too.
   */
  BlksnapEvent.OfSnapshot next(Duration timeout) throws BlksnapException;

  /** How many events were dropped since it began, because too many waited. */
  long dropped();

  /** Ends it; what waits is dropped, whoever waits gets ESTALE. Idempotent. */
  @Override
  void close();
}
