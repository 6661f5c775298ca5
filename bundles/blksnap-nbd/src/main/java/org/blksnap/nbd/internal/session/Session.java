// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.util.List;
import org.blksnap.nbd.internal.export.MetaContext;
import org.blksnap.nbd.internal.export.Target;
import org.blksnap.nbd.internal.protocol.Mode;

/**
 * What a negotiation ended with; immutable, and all a successor needs to go on serving.
 *
 * @param target the export as it was found
 * @param size bytes told to the client
 * @param readOnly writes are refused
 * @param mode headers in use
 * @param contexts selected metadata contexts
 */
record Session(Target target, long size, boolean readOnly, Mode mode, List<MetaContext> contexts) {}
