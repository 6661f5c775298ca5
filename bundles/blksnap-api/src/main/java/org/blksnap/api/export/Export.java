// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.export;

/**
 * One thing served.
 *
 * @param name name a client asks for
 * @param kind what is behind it
 * @param size bytes; -1 of a source that no client has opened yet: listing it does not open it
 * @param readOnly writes are refused; true where the size is not known
 * @param uri how to reach it, the first listener's
 * @param connections clients on it now
 */
public record Export(
    String name, ExportKind kind, long size, boolean readOnly, String uri, int connections) {}
