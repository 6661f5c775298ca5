// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/** The parameters in force. Thread rule: any thread; {@link #values} is one consistent picture. */
@ProviderType
public interface Parameters {
  /** The value in force. */
  long value(Parameter parameter);

  /** All values in force, in the order of the enum. */
  Map<Parameter, Long> values();

  /**
   * Sets one and keeps it (ConfigAdmin where there is one). EINVAL with name, value and range where
   * it is out of it.
   */
  void set(Parameter parameter, long value) throws BlksnapException;

  /** The last refusal, while the refused value still stands in the configuration. */
  Optional<String> lastRefusal();
}
