// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.export;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whiteboard: told by each thread of the server that is about to serve requests, in that thread, so
 * that the host can be told what it does. A thread that began before the service came is not told
 * of.
 */
@ConsumerType
public interface ServingThreads {
  /** Returns at once. What it throws is logged once, and the thread serves all the same. */
  void begun();
}
