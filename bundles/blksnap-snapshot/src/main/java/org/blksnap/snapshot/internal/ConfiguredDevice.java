// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A device attached by a configuration, and detached when that configuration is deleted or changed.
 */
@Component(
    service = Examination.class,
    immediate = true,
    configurationPid = ConfiguredDevice.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = DeviceConfig.class, factory = true)
public final class ConfiguredDevice implements Examination {
  static final String PID = "org.blksnap.device";

  private static final Logger LOG = LoggerFactory.getLogger(ConfiguredDevice.class);
  private static final int CONFIGURATION_MODIFIED = 3;
  private static final int CONFIGURATION_DELETED = 4;

  private final SnapshotService service;
  private final String path;
  private final String name;
  private final BlksnapException refusal;

  @Activate
  public ConfiguredDevice(
      @Reference(target = "(" + SnapshotService.ENGINE + "=userspace)") SnapshotService service,
      DeviceConfig config) {
    this.service = service;
    this.path = config.path() == null ? "" : config.path();
    String attached = null;
    BlksnapException why = null;
    try {
      attached = attach(config);
    } catch (BlksnapException e) {
      why = e;
      LOG.error("{} path {}: not attached: {}", PID, path, e.toString());
    }
    this.name = attached;
    this.refusal = why;
  }

  private String attach(DeviceConfig config) throws BlksnapException {
    if (path.isBlank()) {
      throw new BlksnapException(
          Errno.EINVAL, "no path is configured; set path = /dev/… or a file");
    }
    AttachRequest request =
        new AttachRequest(
            Path.of(path),
            config.name().isBlank() ? null : config.name(),
            config.read__only(),
            config.force(),
            config.durable(),
            false);
    try {
      return service.attach(request).name();
    } catch (BlksnapException e) {
      if (e.errno() == Errno.EALREADY) {
        return service
            .device(Path.of(path).toAbsolutePath().normalize().toString())
            .map(d -> d.name())
            .orElse(null);
      }
      throw e;
    }
  }

  @Deactivate
  void deactivate(int reason) {
    if (name == null || (reason != CONFIGURATION_DELETED && reason != CONFIGURATION_MODIFIED)) {
      return;
    }
    try {
      service.detach(name);
    } catch (BlksnapException e) {
      LOG.error(
          "device {} stays attached although its configuration is gone: {}", name, e.toString());
    }
  }

  @Override
  public List<Finding> examine() {
    if (refusal == null) {
      return List.of();
    }
    return List.of(
        new Finding(
            Finding.Severity.ERROR,
            "configured device " + path,
            refusal.toString(),
            "mend it, then touch the configuration file " + PID + "-<name>.cfg"));
  }
}
