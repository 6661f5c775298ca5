// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.device;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.kernel.internal.host.Disk;

/** The attached devices, in the order of their names. Changed by {@link Attachments} alone. */
public final class DeviceBook {
  private final Map<String, LiveDevice> devices = new ConcurrentSkipListMap<>();

  void enlist(LiveDevice device) {
    devices.put(device.name(), device);
  }

  void strike(LiveDevice device) {
    devices.remove(device.name(), device);
  }

  public Collection<LiveDevice> all() {
    return devices.values();
  }

  public Optional<LiveDevice> named(String name) {
    return Optional.ofNullable(devices.get(name));
  }

  public Optional<LiveDevice> on(Disk disk) {
    return devices.values().stream().filter(device -> device.disk().is(disk)).findFirst();
  }

  /** By name, path or {@code major:minor}. */
  public Optional<LiveDevice> find(String nameOrPath) {
    return named(nameOrPath)
        .or(
            () ->
                devices.values().stream()
                    .filter(
                        device ->
                            device.path().toString().equals(nameOrPath)
                                || device.identity().equals(nameOrPath))
                    .findFirst());
  }

  /** As {@link #find}, or ENODEV. */
  public LiveDevice require(String nameOrPath) throws BlksnapException {
    return find(nameOrPath)
        .orElseThrow(
            () ->
                new BlksnapException(
                    Errno.ENODEV,
                    "no device \""
                        + nameOrPath
                        + "\" is attached; attached are "
                        + devices.keySet()));
  }

  /** Those of these names that are attached. */
  public List<LiveDevice> present(Collection<String> names) {
    return names.stream().map(devices::get).filter(device -> device != null).toList();
  }
}
