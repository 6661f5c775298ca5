// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.device;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
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
 *
 * <p>The values are read as they stand: a flag that is neither true nor false attaches nothing.
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
      Map<String, Object> configured) {
    this.service = service;
    this.path = text(configured, "path");
    String attached = null;
    BlksnapException why = null;
    try {
      if (RemovedConfigurations.fileGone(configured)) {
        LOG.info("{} path {}: not attached, its configuration file was removed", PID, path);
      } else {
        attached = attach(configured);
      }
    } catch (BlksnapException e) {
      why = e;
      LOG.error("{} path {}: not attached: {}", PID, path, e.toString());
    }
    this.name = attached;
    this.refusal = why;
  }

  private String attach(Map<String, ?> configured) throws BlksnapException {
    AttachRequest request = request(configured);
    try {
      return service.attach(request).name();
    } catch (BlksnapException e) {
      if (e.errno() == Errno.EALREADY) {
        return service
            .device(request.path().toAbsolutePath().normalize().toString())
            .map(d -> d.name())
            .orElse(null);
      }
      throw e;
    }
  }

  /** What the configuration asks for; a value that is not understood asks for nothing. */
  static AttachRequest request(Map<String, ?> configured) throws BlksnapException {
    String path = text(configured, "path");
    if (path.isEmpty()) {
      throw new BlksnapException(
          Errno.EINVAL, "no path is configured; set path = /dev/… or a file");
    }
    String name = text(configured, "name");
    return new AttachRequest(
        path(path),
        name.isEmpty() ? null : name,
        flag(configured, "read_only"),
        flag(configured, "force"),
        flag(configured, "durable"),
        false);
  }

  private static Path path(String text) throws BlksnapException {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new BlksnapException(
          Errno.EINVAL, "path = \"" + text + "\" refused: not a path: " + e.getReason(), e);
    }
  }

  private static boolean flag(Map<String, ?> configured, String key) throws BlksnapException {
    String text = text(configured, key);
    return switch (text) {
      case "", "false" -> false;
      case "true" -> true;
      default ->
          throw new BlksnapException(
              Errno.EINVAL,
              key + " = \"" + text + "\" refused: allowed is true or false; nothing is attached");
    };
  }

  private static String text(Map<String, ?> configured, String key) {
    Object value = configured.get(key);
    return value == null ? "" : value.toString().trim();
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
