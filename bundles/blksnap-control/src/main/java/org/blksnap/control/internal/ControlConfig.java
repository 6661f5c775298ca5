// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * What is read here of PID {@code org.blksnap.engine}; the engine reads its times of the same one.
 * Another state directory restarts the engine: devices are closed cleanly, and what the other
 * directory knows comes.
 */
@ObjectClassDefinition(name = "blksnap state")
public @interface ControlConfig {
  @AttributeDefinition(
      name = "state_directory",
      description =
          "Where change maps, snapshots, the default storage and the NBD socket are kept; it has to exist. Empty: framework property blksnap.state.directory.")
  String state__directory() default "";

  @AttributeDefinition(
      name = "hot_state_directory",
      description =
          "Where mapped state lies while the engine works, on a tmpfs. Empty: /run/blksnap, $XDG_RUNTIME_DIR/blksnap or /dev/shm/blksnap-UID; none: in the state directory.")
  String hot__state__directory() default "";

  @AttributeDefinition(
      name = "handover_timeout_seconds",
      description = "How long the hand-over shelf keeps what a bundle left for its successor.",
      min = "1",
      max = "15")
  int handover__timeout__seconds() default 10;
}
