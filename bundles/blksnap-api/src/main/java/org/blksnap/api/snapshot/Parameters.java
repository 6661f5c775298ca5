// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The parameters of one engine that are in force. Registered once for each engine, with the service
 * property {@link SnapshotService#ENGINE}; the service may be replaced while the engine works,
 * which then goes on with the values it saw last. Thread rule: any thread; {@link #values} is one
 * consistent picture.
 */
@ProviderType
public interface Parameters {
  /**
   * What this engine allows, and its default. The same as long as the service lives. Other engines
   * allow other values: the kernel module has bounds of its own.
   */
  ParameterRange range(Parameter parameter);

  /** The value in force. */
  long value(Parameter parameter);

  /** All values in force, in the order of the enum. */
  Map<Parameter, Long> values();

  /**
   * Sets one and keeps it (ConfigAdmin where there is one). EINVAL with name, value, range and unit
   * where it is out of its {@link #range}.
   */
  void set(Parameter parameter, long value) throws BlksnapException;

  /** The last refusal, while the refused value still stands in the configuration. */
  Optional<String> lastRefusal();
}
