// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * PID {@code org.blksnap.engine}. Another state directory restarts the engine: devices are closed
 * cleanly, and what the other directory knows comes. The times are live; a value out of its range
 * is refused and the one before it stays.
 */
@ObjectClassDefinition(name = "blksnap userspace engine")
public @interface EngineConfig {
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
      description = "How long I/O waits for the successor of a swapped bundle.",
      min = "1",
      max = "15")
  int handover__timeout__seconds() default 10;

  @AttributeDefinition(
      name = "gate_timeout_milliseconds",
      description = "How long a take waits for requests under way to end.",
      min = "10",
      max = "60000")
  int gate__timeout__milliseconds() default 5000;

  @AttributeDefinition(
      name = "freeze_deadline_seconds",
      description =
          "After this, frozen file systems are thawed whatever happens. 0: none is ever frozen.",
      min = "0",
      max = "60")
  int freeze__deadline__seconds() default 10;

  @AttributeDefinition(
      name = "watch_interval_milliseconds",
      description = "How often devices are looked at for a new capacity.",
      min = "20",
      max = "60000")
  int watch__interval__milliseconds() default 200;
}
