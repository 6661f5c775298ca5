// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import java.time.Instant;
import java.util.UUID;

/**
 * Where a snapshot comes from; the same all its life.
 *
 * @param id its id
 * @param created when
 * @param owner symbolic name of the bundle whose it is; empty where nobody's, and in a record of an
 *     older version
 * @param label what its owner called it; empty for none
 */
public record Origin(UUID id, Instant created, String owner, String label) {}
