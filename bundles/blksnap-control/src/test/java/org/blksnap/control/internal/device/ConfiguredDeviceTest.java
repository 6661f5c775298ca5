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
import java.util.Collections;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotService;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

class ConfiguredDeviceTest {
  private static final Map<String, Object> USERSPACE = Map.of(SnapshotService.ENGINE, "userspace");
  private static final int DISABLED = 1;
  private static final int CONFIGURATION_DELETED = 4;

  private final List<String> called = Collections.synchronizedList(new ArrayList<>());
  private final SnapshotService service =
      (SnapshotService)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {SnapshotService.class},
              (proxy, method, arguments) -> {
                called.add(method.getName());
                throw new BlksnapException(Errno.ENOENT, "no such file");
              });

  /** On the engine that is usual. */
  private ConfiguredDevice bound(Map<String, Object> configured) {
    ConfiguredDevice device = new ConfiguredDevice(configured);
    device.bindEngine(service, USERSPACE);
    device.begin();
    return device;
  }

  /** One that attaches what it is asked to. */
  private SnapshotService willing() {
    AttachedDevice attached =
        (AttachedDevice)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {AttachedDevice.class},
                (proxy, method, arguments) -> "disk");
    return (SnapshotService)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {SnapshotService.class},
            (proxy, method, arguments) -> {
              called.add(method.getName());
              return method.getName().equals("attachOrGet") ? attached : null;
            });
  }

  @Test
  void aDeviceIsAttachedToTheEngineItNamesWhenThatOneComes() {
    ConfiguredDevice device = new ConfiguredDevice(Map.of("path", "/a", "engine", "kernel"));
    device.bindEngine(willing(), USERSPACE);
    device.begin();
    assertEquals(List.of(), called);
    Finding finding = device.examine().get(0);
    assertEquals(Finding.Severity.WARNING, finding.severity());
    assertEquals("it waits for the engine kernel, which is not there", finding.observation());
    device.bindEngine(willing(), Map.of(SnapshotService.ENGINE, "kernel"));
    assertEquals(List.of("attachOrGet"), called);
    assertEquals(List.of(), device.examine());
  }

  @Test
  void anEngineThatComesAgainIsAskedAgain() {
    SnapshotService first = willing();
    ConfiguredDevice device = new ConfiguredDevice(Map.of("path", "/a"));
    device.bindEngine(first, USERSPACE);
    device.unbindEngine(first);
    assertEquals(1, device.examine().size());
    device.bindEngine(willing(), USERSPACE);
    assertEquals(List.of("attachOrGet", "attachOrGet"), called);
    assertEquals(List.of(), device.examine());
  }

  @Test
  void onlyADeletedOrChangedConfigurationDetaches() {
    ConfiguredDevice device = new ConfiguredDevice(Map.of("path", "/a"));
    device.bindEngine(willing(), USERSPACE);
    device.deactivate(DISABLED);
    assertEquals(List.of("attachOrGet"), called);
    device.deactivate(CONFIGURATION_DELETED);
    assertEquals(List.of("attachOrGet", "detach"), called);
  }

  @Test
  void aConfigurationThatGoesWhileItsDeviceIsBeingAttachedTakesItAlong() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch mayEnd = new CountDownLatch(1);
    SnapshotService slow = held(willing(), inside, mayEnd);
    ConfiguredDevice device = new ConfiguredDevice(Map.of("path", "/a"));
    device.begin();
    Thread binding = new Thread(() -> device.bindEngine(slow, USERSPACE));
    binding.start();
    inside.await();
    Thread going = new Thread(() -> device.deactivate(CONFIGURATION_DELETED));
    going.start();
    going.join(100);
    mayEnd.countDown();
    binding.join();
    going.join();
    assertEquals(List.of("attachOrGet", "detach"), called);
  }

  /** An engine whose attach waits. */
  private SnapshotService held(
      SnapshotService behind, CountDownLatch inside, CountDownLatch mayEnd) {
    return (SnapshotService)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {SnapshotService.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("attachOrGet")) {
                inside.countDown();
                mayEnd.await();
              }
              return method.invoke(behind, arguments);
            });
  }

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
    ConfiguredDevice device = bound(Map.of("path", "/a", "read_only", "maybe"));
    assertEquals(List.of(), called);
    Finding finding = device.examine().get(0);
    assertEquals(Finding.Severity.ERROR, finding.severity());
    assertTrue(finding.observation().contains("read_only = \"maybe\""), finding.observation());
  }

  @Test
  void aFailedAttachIsFound() {
    ConfiguredDevice device = bound(Map.of("path", "/a"));
    assertEquals(List.of("attachOrGet"), called);
    assertTrue(device.examine().get(0).observation().contains("no such file"));
  }

  @Test
  void aConfigurationWhoseFileWasRemovedAttachesNothing(@TempDir Path etc) throws Exception {
    Path file = etc.resolve("org.blksnap.device-a.cfg");
    Map<String, Object> configured =
        Map.of("path", "/a", "felix.fileinstall.filename", file.toUri().toString());
    assertEquals(List.of(), bound(configured).examine());
    assertEquals(List.of(), called);
    Files.createFile(file);
    bound(configured);
    assertEquals(List.of("attachOrGet"), called);
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
