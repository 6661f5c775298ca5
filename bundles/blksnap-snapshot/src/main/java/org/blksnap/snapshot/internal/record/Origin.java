// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

/**
 * Where a snapshot comes from.
 *
 * @param owner symbolic name of the bundle whose it is; empty where nobody's, and in a record of an
 *     older version
 * @param label what its owner called it; empty for none
 */
public record Origin(String owner, String label) {}
