// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.health;

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Asks all examinations there are, each in a thread of its own until its deadline. One that throws
 * or is late becomes a finding; one that has not returned is not asked again until it has. Thread
 * rule: any thread; blocks until the last deadline at most.
 */
@ProviderType
public interface Doctor {
  /** Looks at everything now: one answer an examination, in order of their subjects. */
  List<Examined> examine();
}
