// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * The engine's times in PID {@code org.blksnap.engine}; where the state is stands there too, and is
 * read by another bundle. The times are live; a value out of its range is refused and the one
 * before it stays.
 */
@ObjectClassDefinition(name = "blksnap userspace engine")
public @interface EngineConfig {
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
