// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.snapshot.internal.data.FilteredDevice;

/**
 * The attached devices, in the order of their names. Changed under the engine's control lock alone,
 * read at any time.
 */
public final class DeviceList {
  /** Longest wait for a flush while requests go on. */
  static final Duration LONGEST_FLUSH = Duration.ofSeconds(60);

  private final Map<String, FilteredDevice> devices = new ConcurrentSkipListMap<>();
  private final Runnable assertControlled;

  DeviceList(Runnable assertControlled) {
    this.assertControlled = assertControlled;
  }

  void enlist(FilteredDevice device) {
    assertControlled.run();
    devices.put(device.name(), device);
  }

  void strike(FilteredDevice device) {
    assertControlled.run();
    devices.remove(device.name());
  }

  public Collection<FilteredDevice> all() {
    return devices.values();
  }

  /** Null where none has this name. */
  FilteredDevice named(String name) {
    return devices.get(name);
  }

  /** By name, path or {@code major:minor}; null where there is none. */
  public FilteredDevice find(String nameOrPath) {
    FilteredDevice byName = devices.get(nameOrPath);
    if (byName != null) {
      return byName;
    }
    for (FilteredDevice device : devices.values()) {
      if (device.path().toString().equals(nameOrPath)
          || (device.major() + ":" + device.minor()).equals(nameOrPath)) {
        return device;
      }
    }
    return null;
  }

  /** As {@link #find}, or ENODEV. */
  public FilteredDevice require(String nameOrPath) throws BlksnapException {
    FilteredDevice device = find(nameOrPath);
    if (device == null) {
      throw new BlksnapException(
          Errno.ENODEV,
          "no device \"" + nameOrPath + "\" is attached; attached are " + devices.keySet());
    }
    return device;
  }

  public List<FilteredDevice> require(Collection<String> names) throws BlksnapException {
    List<FilteredDevice> list = new ArrayList<>();
    for (String name : names) {
      list.add(require(name));
    }
    return list;
  }

  /** ESHUTDOWN where one of the device's rooms is away. */
  static void requireWhole(FilteredDevice device) throws BlksnapException {
    if (device.raw() == null || device.tracker() == null) {
      throw new BlksnapException(
          Errno.ESHUTDOWN,
          "device " + device.name() + ": " + device.conditionDetail() + "; see blksnap:doctor");
    }
  }

  /** Those of these names that are attached. */
  public List<FilteredDevice> present(Collection<String> names) {
    List<FilteredDevice> list = new ArrayList<>();
    for (String name : names) {
      FilteredDevice device = devices.get(name);
      if (device != null) {
        list.add(device);
      }
    }
    return list;
  }

  /**
   * Block devices to disk while requests go on: closing the last descriptor of one writes back the
   * rest. All at once, so that what the first writes meanwhile is little.
   */
  public void flushAhead() {
    List<FilteredDevice> some = devices.values().stream().filter(FilteredDevice::flushes).toList();
    Together.each("flushing devices ahead", some, LONGEST_FLUSH, FilteredDevice::flushAhead);
  }
}
