// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.state;

import java.nio.file.Path;
import org.blksnap.api.snapshot.StateLocation;

/** A state directory that was found to be the right one. */
final class CheckedState implements StateLocation {
  private final Path directory;
  private final String hotChoice;
  private volatile boolean leftForGood;

  CheckedState(Path directory, String hotChoice) {
    this.directory = directory;
    this.hotChoice = hotChoice;
  }

  @Override
  public Path directory() {
    return directory;
  }

  /** Another directory is configured: the engine closes here, nobody follows. */
  void leaveForGood() {
    leftForGood = true;
  }

  @Override
  public String hotDirectoryChoice() {
    return hotChoice;
  }

  @Override
  public boolean leftForGood() {
    return leftForGood;
  }
}
