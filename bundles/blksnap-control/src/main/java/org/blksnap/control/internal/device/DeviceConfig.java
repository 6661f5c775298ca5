// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.device;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * Factory PID {@code org.blksnap.device}: one file {@code etc/org.blksnap.device-<name>.cfg}
 * attaches one device at boot.
 */
@ObjectClassDefinition(name = "blksnap device")
public @interface DeviceConfig {
  @AttributeDefinition(name = "path", description = "Regular file or block device.")
  String path();

  @AttributeDefinition(name = "name", description = "Name to give it; empty: made from the path.")
  String name() default "";

  @AttributeDefinition(
      name = "engine",
      description = "The engine that attaches it, as blksnap:version names them.")
  String engine() default ConfiguredDevice.USUAL_ENGINE;

  @AttributeDefinition(name = "read_only", description = "Refuse writes.")
  boolean read__only() default false;

  @AttributeDefinition(
      name = "force",
      description = "Attach even where it is mounted or held elsewhere.")
  boolean force() default false;

  @AttributeDefinition(
      name = "durable",
      description =
          "The map of a file at rest outlives a power loss, at the price of a forced write a"
              + " block.")
  boolean durable() default false;
}
