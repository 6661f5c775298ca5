// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.junit.jupiter.api.Test;

class ConfiguredDeviceTest {
  private final List<String> called = new ArrayList<>();
  private final SnapshotService service =
      (SnapshotService)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {SnapshotService.class},
              (proxy, method, arguments) -> {
                called.add(method.getName());
                throw new BlksnapException(Errno.ENOENT, "no such file");
              });

  @Test
  void aPathAloneAsksForAWritableDeviceNamedAfterIt() throws Exception {
    AttachRequest request = ConfiguredDevice.request(Map.of("path", "/srv/a.img"));
    assertEquals(Path.of("/srv/a.img"), request.path());
    assertNull(request.name());
    assertEquals(
        List.of(false, false, false),
        List.of(request.readOnly(), request.force(), request.durable()));
  }

  @Test
  void flagsAreTakenAsWordsAndAsBooleans() throws Exception {
    AttachRequest request =
        ConfiguredDevice.request(
            Map.of("path", "/a", "read_only", "true ", "force", true, "durable", "false"));
    assertEquals(
        List.of(true, true, false),
        List.of(request.readOnly(), request.force(), request.durable()));
  }

  @Test
  void aFlagNeitherTrueNorFalseIsRefusedByNameAndValue() {
    for (String key : List.of("read_only", "force", "durable")) {
      BlksnapException refused =
          assertThrows(
              BlksnapException.class,
              () -> ConfiguredDevice.request(Map.of("path", "/a", key, "maybe")));
      assertEquals(Errno.EINVAL, refused.errno());
      assertTrue(
          refused.getMessage().startsWith(key + " = \"maybe\" refused: allowed is true or false"),
          refused.getMessage());
    }
  }

  @Test
  void aRefusedConfigurationAttachesNothingAndIsFound() {
    ConfiguredDevice device =
        new ConfiguredDevice(service, Map.of("path", "/a", "read_only", "maybe"));
    assertEquals(List.of(), called);
    Finding finding = device.examine().get(0);
    assertEquals(Finding.Severity.ERROR, finding.severity());
    assertTrue(finding.observation().contains("read_only = \"maybe\""), finding.observation());
  }

  @Test
  void aFailedAttachIsFound() {
    ConfiguredDevice device = new ConfiguredDevice(service, Map.of("path", "/a"));
    assertEquals(List.of("attach"), called);
    assertTrue(device.examine().get(0).observation().contains("no such file"));
  }
}
