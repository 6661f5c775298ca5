// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
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
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A device attached by a configuration to the engine it names, and detached when that configuration
 * is deleted or changed.
 *
 * <p>States: waiting (the engine is not there) → attached or refused → waiting, as often as the
 * engine comes and goes. An engine that comes again has attached its devices itself, and says so.
 *
 * <p>{@link #turn} is held while the device is attached or detached, so that a configuration which
 * goes meanwhile takes its device along, and what an engine that has gone answers late is not taken
 * for what its successor says.
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

  private static final String FILES = PID + "-<name>.cfg";

  /** The engine where none is named. */
  static final String USUAL_ENGINE = "userspace";

  private static final Logger LOG = LoggerFactory.getLogger(ConfiguredDevice.class);
  private static final int CONFIGURATION_MODIFIED = 3;
  private static final int CONFIGURATION_DELETED = 4;

  private final Map<String, Object> configured;
  private final String path;
  private final String engine;
  private final ReentrantLock turn = new ReentrantLock(true);

  /** Null while the engine is not there. */
  @GuardedBy("this")
  private SnapshotService service;

  /** Null where nothing is attached, or not known to be. */
  @GuardedBy("this")
  private String name;

  @GuardedBy("this")
  private BlksnapException refusal;

  @Activate
  public ConfiguredDevice(Map<String, Object> configured) {
    this.configured = configured;
    this.path = text(configured, "path");
    String named = text(configured, "engine");
    this.engine = named.isEmpty() ? USUAL_ENGINE : named;
  }

  /** The engines that are there already were bound before. */
  @Activate
  synchronized void begin() {
    if (service == null) {
      LOG.info("{} path {}: attached as soon as the engine {} is there", PID, path, engine);
    }
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void bindEngine(SnapshotService present, Map<String, Object> properties) {
    if (!engine.equals(properties.get(SnapshotService.ENGINE))) {
      return;
    }
    synchronized (this) {
      service = present;
    }
    attachTo(present);
  }

  synchronized void unbindEngine(SnapshotService gone) {
    if (service == gone) {
      service = null;
    }
  }

  /** Without the monitor: an engine may let it wait for a bundle that is being swapped. */
  private void attachTo(SnapshotService present) {
    turn.lock();
    try {
      attachInTurn(present);
    } finally {
      turn.unlock();
    }
  }

  @GuardedBy("turn")
  private void attachInTurn(SnapshotService present) {
    String attached = null;
    BlksnapException why = null;
    try {
      if (RemovedConfigurations.fileGone(configured)) {
        LOG.info("{} path {}: not attached, its configuration file was removed", PID, path);
      } else {
        attached = present.attachOrGet(request(configured)).name();
      }
    } catch (BlksnapException e) {
      why = e;
      LOG.error("{} path {}: not attached: {}", PID, path, e.toString());
    }
    synchronized (this) {
      name = attached;
      refusal = why;
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
    return AttachRequest.of(path(path))
        .named(name.isEmpty() ? null : name)
        .readOnly(flag(configured, "read_only"))
        .force(flag(configured, "force"))
        .durable(flag(configured, "durable"))
        .persistent(false);
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
    if (reason != CONFIGURATION_DELETED && reason != CONFIGURATION_MODIFIED) {
      return;
    }
    turn.lock();
    try {
      detachInTurn();
    } finally {
      turn.unlock();
    }
  }

  @GuardedBy("turn")
  private void detachInTurn() {
    SnapshotService present;
    String attached;
    synchronized (this) {
      present = service;
      attached = name;
    }
    if (attached == null) {
      return;
    }
    if (present == null) {
      stays(attached, "the engine " + engine + " is not there");
      return;
    }
    try {
      present.detach(attached);
    } catch (BlksnapException e) {
      stays(attached, e.toString());
    }
  }

  private static void stays(String device, String why) {
    LOG.error(
        "device {} stays attached although its configuration is gone: {}; detach it with"
            + " blksnap:device-detach",
        device,
        why);
  }

  @Override
  public String subject() {
    return "configured device " + path;
  }

  @Override
  public synchronized List<Finding> examine() {
    if (service == null) {
      return List.of(
          new Finding(
              Finding.Severity.WARNING,
              subject(),
              "it waits for the engine " + engine + ", which is not there",
              "start that engine, or correct engine in its configuration file " + FILES));
    }
    if (refusal == null) {
      return List.of();
    }
    return List.of(
        new Finding(
            Finding.Severity.ERROR,
            subject(),
            refusal.toString(),
            "mend it, then touch the configuration file " + FILES));
  }
}
