// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.host.HostOperations;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files and block devices of this host. Knows what is open, so that nothing stays frozen, locked or
 * claimed when the bundle stops; a successor can then open the same devices.
 */
@Component(service = {DeviceProvider.class, Examination.class})
public final class LocalDeviceProvider implements DeviceProvider, Examination, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LocalDeviceProvider.class);

  /** File systems whose files have no content of a size. */
  private static final Set<String> KERNEL_FILES =
      Set.of(
          "proc",
          "sysfs",
          "cgroup",
          "cgroup2",
          "debugfs",
          "tracefs",
          "securityfs",
          "configfs",
          "pstore",
          "efivarfs",
          "bpf");

  private static final Path PROC = Path.of("/proc");

  private final Surroundings around;
  private final Set<OpenDevice> open = ConcurrentHashMap.newKeySet();

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile HostOperations host;

  LocalDeviceProvider(Surroundings around, HostOperations host) {
    this.around = around;
    this.host = host;
  }

  @Activate
  public LocalDeviceProvider() {
    this(null);
  }

  /** Of this host; {@code host} may be null. */
  public LocalDeviceProvider(HostOperations host) {
    this(Surroundings.of(Path.of("/sys"), Path.of("/proc")), host);
  }

  @Override
  public RawDevice open(OpenRequest request) throws BlksnapException {
    Path path = request.path().toAbsolutePath();
    try {
      FileStat stat = statOf(path);
      Geometry geometry = around.geometries().of(path, stat);
      refuseWithoutContent(path, stat, geometry);
      if (!request.force()) {
        around.occupancy().refuseIfUsed(path, stat);
        around.occupancy().refuseIfOpenElsewhere(path, !request.readOnly());
      }
      if (stat.block() && geometry.readOnly() && !request.readOnly()) {
        throw new BlksnapException(
            Errno.EROFS, path + " refused for writing: the device is read-only; open it read-only");
      }
      if (stat.regular() && !request.readOnly()) {
        refuseSecondWriter(path, stat);
      }
      return open(request, path, stat, geometry.withReadOnly(request.readOnly()));
    } catch (IOException failure) {
      throw IoFailure.opening(path, failure);
    }
  }

  private static void refuseWithoutContent(Path path, FileStat stat, Geometry geometry)
      throws IOException {
    String home = stat.regular() ? Files.getFileStore(path).type() : "";
    if (KERNEL_FILES.contains(home)) {
      throw new BlksnapException(
          Errno.ENODEV,
          path + " refused: a file of " + home + " is made when it is read; name a file on a disk");
    }
    if (geometry.capacity() > 0) {
      return;
    }
    throw stat.block()
        ? new BlksnapException(
            Errno.ENXIO,
            path
                + " refused: it has no size (no medium, or a loop device without a file); set it up")
        : new BlksnapException(
            Errno.EINVAL,
            path + " refused: an empty file; give it a size first, as in: truncate -s 1G " + path);
  }

  /**
   * Before the file is opened: the system drops the first writer's lock when the second one's
   * descriptor is closed. Of two at the same moment the lock refuses one.
   */
  private void refuseSecondWriter(Path path, FileStat stat) throws BlksnapException {
    for (OpenDevice device : open) {
      if (device.stat.same(stat) && !device.geometry().readOnly()) {
        throw RegularFile.attachedElsewhere(path, "by this process");
      }
    }
  }

  private OpenDevice open(OpenRequest request, Path path, FileStat stat, Geometry geometry)
      throws IOException {
    boolean exclusive = stat.block() && !request.force();
    Anchor anchor =
        Anchor.take(path, stat.identity(), !geometry.readOnly(), request.force(), host, PROC);
    HostAccess access = null;
    try {
      access = claim(path, anchor, !geometry.readOnly(), exclusive);
      OpenDevice device =
          stat.block()
              ? new BlockSpecial(path, stat, geometry, around, anchor, access, open::remove)
              : new RegularFile(path, stat, geometry, around, anchor, access, open::remove);
      open.add(device);
      return device;
    } catch (IOException | RuntimeException failure) {
      if (access != null) {
        access.close();
      }
      anchor.close();
      throw failure;
    }
  }

  private HostAccess claim(Path path, Anchor anchor, boolean writable, boolean exclusive)
      throws IOException {
    try {
      return new HostAccess(anchor.held(), writable, exclusive, () -> host);
    } catch (BlksnapException refused) {
      if (refused.errno() != Errno.EBUSY) {
        throw refused;
      }
      throw new BlksnapException(
          Errno.EBUSY,
          path
              + " refused: another program holds it exclusively (RAID, LVM, multipath, another"
              + " engine, or a mount out of sight in a container); stop that, or force it",
          refused);
    }
  }

  @Override
  public Geometry geometry(Path path) throws BlksnapException {
    try {
      return around.geometries().of(path, statOf(path));
    } catch (IOException failure) {
      throw IoFailure.opening(path, failure);
    }
  }

  private static FileStat statOf(Path path) throws IOException {
    FileStat stat = FileStat.of(path);
    if (!stat.regular() && !stat.block()) {
      throw new BlksnapException(
          Errno.ENODEV,
          path + " refused: neither a regular file nor a block device; name one of these");
    }
    return stat;
  }

  @Override
  public List<Finding> examine() {
    return open.stream().flatMap(device -> device.findings().stream()).toList();
  }

  /** Thaws and closes what is still open; whoever used it gets ESHUTDOWN. */
  @Deactivate
  @Override
  public void close() {
    for (OpenDevice device : open) {
      try {
        device.close();
      } catch (IOException failure) {
        LOG.warn("{} not closed cleanly: {}", device, failure.toString());
      }
    }
  }
}
