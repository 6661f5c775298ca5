// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.nio.file.Path;
import org.blksnap.api.snapshot.StateLocation;

/**
 * A state directory that was found to be the right one. The engine lives as long as it is
 * registered.
 */
public final class CheckedState implements StateLocation {
  private final Path directory;
  private final String hotChoice;
  private volatile boolean leftForGood;

  CheckedState(Path directory, String hotChoice) {
    this.directory = directory;
    this.hotChoice = hotChoice;
  }

  /** {@code hot_state_directory}; empty: where there is memory. */
  String hotChoice() {
    return hotChoice;
  }

  @Override
  public Path directory() {
    return directory;
  }

  /** Another directory is configured: the engine closes here, nobody follows. */
  void leaveForGood() {
    leftForGood = true;
  }

  boolean leftForGood() {
    return leftForGood;
  }
}
