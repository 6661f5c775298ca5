// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.health;

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Asks everything that can say something about this host: engines, their parameters, devices and
 * snapshots, and each {@link Examination} that a bundle registers. All are asked at the same time,
 * each in a thread of its own until its own deadline, so an answer takes as long as the slowest of
 * them, not as all together. Thread rule: any thread; blocks for {@link
 * Examination#LONGEST_DEADLINE} and {@link Examination#DESCRIPTION_WAIT} at most.
 *
 * <p>An examination that throws or is late becomes a finding. One that has not returned costs one
 * thread however often the doctor is called: it is not asked again until it has returned, and
 * callers that come while it still is within its deadline share its answer.
 */
@ProviderType
public interface Doctor {
  /**
   * Looks at everything now. Answers one element an examination: first what the doctor looks at
   * itself, then what bundles registered, in order of their subjects. Never empty.
   *
   * <p>Where the calling thread is interrupted, it returns at once, says {@link
   * Examined.Outcome#LATE} for what has not answered yet, and leaves the thread interrupted.
   */
  List<Examined> examine();
}
