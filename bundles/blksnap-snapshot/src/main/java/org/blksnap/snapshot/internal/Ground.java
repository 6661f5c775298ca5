// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.nio.file.Path;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.snapshot.internal.control.EngineParameters;

/**
 * What an engine stands on: a state directory that was found to be the right one, and parameters.
 * The engine lives as long as it is registered, which is longer than the services it was made from.
 */
public final class Ground {
  private final Path directory;
  private final String hotChoice;
  private final EngineParameters parameters;
  private volatile boolean leftForGood;

  Ground(StateLocation location, EngineParameters parameters) {
    this.directory = location.directory();
    this.hotChoice = location.hotDirectoryChoice();
    this.parameters = parameters;
  }

  Path directory() {
    return directory;
  }

  /** {@code hot_state_directory}; empty: where there is memory. */
  String hotChoice() {
    return hotChoice;
  }

  EngineParameters parameters() {
    return parameters;
  }

  boolean isAt(StateLocation location) {
    return directory.equals(location.directory())
        && hotChoice.equals(location.hotDirectoryChoice());
  }

  /** Another directory is configured: the engine closes here, nobody follows. */
  void leaveForGood() {
    leftForGood = true;
  }

  boolean leftForGood() {
    return leftForGood;
  }
}
