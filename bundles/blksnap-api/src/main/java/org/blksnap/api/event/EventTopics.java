// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.event;

/**
 * What EventAdmin gets: one topic a kind of {@link BlksnapEvent}, and its parts as properties.
 *
 * <pre>
 * property         type      on topic
 * timestamp        Long      all; milliseconds since 1970 by the host's clock, for people
 * engine           String    all; name of the engine
 * snapshot         UUID      all of org/blksnap/snapshot
 * requestedBytes   Long      LOW_FREE_SPACE; asked for, over what there is
 * device           String    CORRUPTED, NEW_GENERATION
 * major, minor     Integer   CORRUPTED; as in BlksnapEvent.Corrupted
 * error            Integer   CORRUPTED; positive errno
 * errorName        String    CORRUPTED; as ENOSPC
 * detail           String    CORRUPTED, NEW_GENERATION; for a person
 * devices          String[]  TAKEN; names
 * consistency      String    TAKEN; CRASH, FILE_SYSTEM or APPLICATION
 * reasons          String[]  TAKEN; why it is that and not more, a sentence each
 * crashConsistent  Boolean   TAKEN; true where the consistency is CRASH
 * generationId     UUID      NEW_GENERATION
 * reason           String    NEW_GENERATION; name of the GenerationReason
 * reasonText       String    NEW_GENERATION; the same for a person
 * </pre>
 *
 * UUID is {@link java.util.UUID}. Events are posted, so a handler holds up nobody.
 */
public final class EventTopics {
  /** Every topic below, for {@code event.topics} of a handler. */
  public static final String ALL = "org/blksnap/*";

  /** {@link BlksnapEvent.LowFreeSpace}. */
  public static final String LOW_FREE_SPACE = "org/blksnap/snapshot/LOW_FREE_SPACE";

  /** {@link BlksnapEvent.Corrupted}. */
  public static final String CORRUPTED = "org/blksnap/snapshot/CORRUPTED";

  /** {@link BlksnapEvent.Taken}. */
  public static final String TAKEN = "org/blksnap/snapshot/TAKEN";

  /** {@link BlksnapEvent.Destroyed}. */
  public static final String DESTROYED = "org/blksnap/snapshot/DESTROYED";

  /** {@link BlksnapEvent.NewGeneration}. */
  public static final String NEW_GENERATION = "org/blksnap/tracker/NEW_GENERATION";

  /** Long, milliseconds since 1970; the key is EventAdmin's own. */
  public static final String TIMESTAMP = "timestamp";

  /** String. */
  public static final String ENGINE = "engine";

  /** UUID. */
  public static final String SNAPSHOT = "snapshot";

  /** Long, bytes. */
  public static final String REQUESTED_BYTES = "requestedBytes";

  /** String. */
  public static final String DEVICE = "device";

  /** Integer. */
  public static final String MAJOR = "major";

  /** Integer. */
  public static final String MINOR = "minor";

  /** Integer, a positive errno. */
  public static final String ERROR = "error";

  /** String, the errno's symbol. */
  public static final String ERROR_NAME = "errorName";

  /** String. */
  public static final String DETAIL = "detail";

  /** String[]. */
  public static final String DEVICES = "devices";

  /** String, name of a {@link org.blksnap.api.block.Consistency}. */
  public static final String CONSISTENCY = "consistency";

  /** String[]. */
  public static final String REASONS = "reasons";

  /** Boolean. */
  public static final String CRASH_CONSISTENT = "crashConsistent";

  /** UUID. */
  public static final String GENERATION_ID = "generationId";

  /** String, name of a {@link org.blksnap.api.change.GenerationReason}. */
  public static final String REASON = "reason";

  /** String. */
  public static final String REASON_TEXT = "reasonText";

  private EventTopics() {}
}
