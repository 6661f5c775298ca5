// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import java.io.IOException;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.DeviceCondition;
import org.blksnap.api.snapshot.SnapshotService;

/** What an engine's devices suffer from: a finding a device. */
final class DevicesCheck implements Examination {
  private final String engine;
  private final SnapshotService service;

  DevicesCheck(String engine, SnapshotService service) {
    this.engine = engine;
    this.service = service;
  }

  @Override
  public String subject() {
    return "devices of " + engine;
  }

  @Override
  public List<Finding> examine() {
    return service.devices().stream().map(DevicesCheck::finding).toList();
  }

  private static Finding finding(AttachedDevice device) {
    String subject = "device " + device.name();
    if (device.condition() != DeviceCondition.OK) {
      return Findings.error(
          subject,
          device.conditionDetail(),
          "see that " + device.path() + " can be reached; " + Findings.LIST_BUNDLES);
    }
    try {
      device.changes().info();
      return Findings.ok(subject, device.path() + ", " + Findings.size(device.capacity()) + ": ok");
    } catch (IOException e) {
      return Findings.error(
          subject,
          "change map: " + e.getMessage() + " [" + BlksnapException.errnoOf(e) + "]",
          "the next take begins a new generation; the next backup has to be a full one");
    }
  }
}
