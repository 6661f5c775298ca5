// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

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

  @Test
  void aConfigurationWhoseFileWasRemovedAttachesNothing(@TempDir Path etc) throws Exception {
    Path file = etc.resolve("org.blksnap.device-a.cfg");
    Map<String, Object> configured =
        Map.of("path", "/a", "felix.fileinstall.filename", file.toUri().toString());
    assertEquals(List.of(), new ConfiguredDevice(service, configured).examine());
    assertEquals(List.of(), called);
    Files.createFile(file);
    new ConfiguredDevice(service, configured);
    assertEquals(List.of("attach"), called);
  }

  @Test
  void theCopyOfARemovedFileIsDeletedAndOnlyThat(@TempDir Path etc) throws Exception {
    Path there = Files.createFile(etc.resolve("org.blksnap.device-there.cfg"));
    List<String> deleted = new ArrayList<>();
    Configuration[] all = {
      configuration("gone", etc.resolve("org.blksnap.device-gone.cfg").toUri().toString(), deleted),
      configuration("there", there.toUri().toString(), deleted),
      configuration("unmounted", "file:" + etc + "/no-such-folder/a.cfg", deleted),
      configuration("by hand", null, deleted)
    };
    new RemovedConfigurations(
        (ConfigurationAdmin)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {ConfigurationAdmin.class},
                (proxy, method, arguments) -> all));
    assertEquals(List.of("gone"), deleted);
  }

  private static Configuration configuration(String pid, String file, List<String> deleted) {
    Hashtable<String, Object> properties = new Hashtable<>();
    if (file != null) {
      properties.put("felix.fileinstall.filename", file);
    }
    return (Configuration)
        Proxy.newProxyInstance(
            ConfiguredDeviceTest.class.getClassLoader(),
            new Class<?>[] {Configuration.class},
            (proxy, method, arguments) -> {
              switch (method.getName()) {
                case "getPid":
                  return pid;
                case "getProperties":
                  return properties;
                default:
                  deleted.add(pid);
                  return null;
              }
            });
  }
}
