// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * Factory PID {@code org.blksnap.node}: one file {@code etc/org.blksnap.node-<name>.cfg} connects
 * one node at boot.
 */
@ObjectClassDefinition(name = "blksnap device node")
public @interface NodeConfig {
  @AttributeDefinition(name = "export", description = "Name of a device, an image or a source.")
  String export();

  @AttributeDefinition(
      name = "node",
      description = "/dev/nbd0, /dev/nbd1 and so on; empty: the first that is free.")
  String node() default "";

  @AttributeDefinition(
      name = "connections",
      description =
          "Connections to the server. 1: a slow answer is waited for as long as it takes.",
      min = "1",
      max = "16")
  int connections() default 1;

  @AttributeDefinition(
      name = "timeout_seconds",
      description = "How long I/O on the node waits for a server before it fails.",
      min = "1",
      max = "86400")
  int timeout__seconds() default 600;
}
