// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What the two options about metadata contexts carry.
 *
 * @param export name asked about
 * @param queries may be empty
 */
public record ContextQuery(String export, List<String> queries) {
  static final int MAXIMUM_QUERIES = 1024;

  /** Null where the option's data is malformed. */
  public static ContextQuery parse(ByteBuffer data) {
    if (data.remaining() < 2 * Integer.BYTES) {
      return null;
    }
    String export = WireText.read(data, data.getInt());
    if (export == null || data.remaining() < Integer.BYTES) {
      return null;
    }
    int count = data.getInt();
    if (count < 0 || count > MAXIMUM_QUERIES) {
      return null;
    }
    List<String> queries = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String query = data.remaining() < Integer.BYTES ? null : WireText.read(data, data.getInt());
      if (query == null) {
        return null;
      }
      queries.add(query);
    }
    return data.hasRemaining() ? null : new ContextQuery(export, queries);
  }
}
