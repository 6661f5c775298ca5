// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.health;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whiteboard: each bundle registers what it can say about its own health. Called by {@code
 * blksnap:doctor}.
 */
@ConsumerType
public interface Examination {
  /** Looks now; returns within a few seconds and does not throw. */
  List<Finding> examine();
}
