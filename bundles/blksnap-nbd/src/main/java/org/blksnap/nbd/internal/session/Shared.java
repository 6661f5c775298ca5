// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import org.blksnap.nbd.internal.export.ContextBudget;
import org.blksnap.nbd.internal.export.Exports;

/**
 * What all connections of one server share.
 *
 * @param exports what is served
 * @param buffers their direct memory
 * @param contexts the bound on their metadata contexts
 */
public record Shared(Exports exports, BufferPool buffers, ContextBudget contexts) {}
