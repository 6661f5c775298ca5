// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import java.util.List;

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
