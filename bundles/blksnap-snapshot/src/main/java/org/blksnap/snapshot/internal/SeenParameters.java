// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.util.Map;
import java.util.function.Supplier;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Parameters;

/**
 * The values of a service that comes and goes: its own while it is there, else those seen last.
 * States: nothing seen → present ⇄ away. One thread at a time brings and takes the service; any
 * thread reads.
 */
final class SeenParameters implements Supplier<Map<Parameter, Long>> {
  private volatile Parameters present;
  private volatile Map<Parameter, Long> last;

  void came(Parameters service) {
    last = service.values();
    present = service;
  }

  /** Ignored where another one has taken its place. */
  void went(Parameters service) {
    if (present == service) {
      last = service.values();
      present = null;
    }
  }

  /** True once there were values. */
  boolean known() {
    return last != null;
  }

  @Override
  public Map<Parameter, Long> get() {
    Parameters now = present;
    return now == null ? last : now.values();
  }
}
