// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import org.blksnap.nbd.internal.export.Access;

/**
 * How a client came in.
 *
 * @param address the listener's, as a URI
 * @param access what its clients may have
 * @param tls null where clients come in plain
 */
public record Door(String address, Access access, TlsIdentity tls) {}
