// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.export.ExportKind;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.api.node.DeviceNode.State;
import org.blksnap.api.node.NodeRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeComponentTest {
  private static final int CONFIGURATION_DELETED = 4;
  private static final int BUNDLE_STOPPED = 6;

  @TempDir Path directory;
  private final FakeHost host = new FakeHost();
  private FakeServices services;
  private NodeComponent nodes;

  @BeforeEach
  void begin() throws Exception {
    services = new FakeServices(Files.createDirectory(directory.resolve("state")));
    services.device("disk", "dev:1", "/srv/disk.img");
    nodes = component();
  }

  private NodeComponent component() {
    NodeComponent component = new NodeComponent(directory, Path.of("/proc/self"));
    component.bindHost(host);
    component.bindState(services);
    component.bindEngine(services.engine());
    component.bindExports(services);
    component.activate();
    return component;
  }

  @AfterEach
  void end() {
    nodes.deactivate();
  }

  private static void await(Callable<Boolean> fact) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!fact.call()) {
      assertTrue(System.nanoTime() < end, "not within 20 s");
      Thread.sleep(5);
    }
  }

  private boolean connected() throws BlksnapException {
    return nodes.list().stream().anyMatch(node -> node.state() == State.CONNECTED);
  }

  private boolean found(Severity severity, String words) {
    return nodes.examine().stream()
        .anyMatch(
            finding -> finding.severity() == severity && finding.observation().contains(words));
  }

  private static Map<String, Object> configured(String... settings) {
    Map<String, Object> map = new java.util.HashMap<>(Map.of("service.pid", "org.blksnap.node~a"));
    for (int i = 0; i < settings.length; i += 2) {
      map.put(settings[i], settings[i + 1]);
    }
    return map;
  }

  @Test
  void aConnectionThatDiesIsReplaced() throws Exception {
    nodes.connect(NodeRequest.of("disk"));
    await(() -> host.locks == 1 && connected());
    services.withdraw("disk");
    host.news.add(0);
    await(() -> found(Severity.WARNING, "is not served"));
    services.serve("disk", ExportKind.DEVICE);
    await(this::connected);
  }

  @Test
  void aNodeOfBeforeIsFoundByTheNext() throws Exception {
    nodes.connect(NodeRequest.of("disk"));
    nodes.deactivate();
    assertTrue(host.connected.containsKey(0));
    nodes = component();
    await(this::connected);
  }

  @Test
  void aConfiguredNodeIsConnectedWhenItCanBe() throws Exception {
    services.withdraw("disk");
    ConfiguredNode wish =
        new ConfiguredNode(nodes, configured("export", "disk", "node", "/dev/nbd3"));
    await(() -> found(Severity.WARNING, "configured node of \"disk\""));
    services.serve("disk", ExportKind.DEVICE);
    await(() -> connected() && host.connected.containsKey(3));
    await(() -> !found(Severity.WARNING, "configured node"));
    wish.deactivate(BUNDLE_STOPPED);
    assertTrue(host.connected.containsKey(3));
  }

  @Test
  void aNodeGoesWithItsConfigurationWhereNobodyUsesIt() throws Exception {
    ConfiguredNode wish = new ConfiguredNode(nodes, configured("export", "disk"));
    await(this::connected);
    host.busy = true;
    wish.deactivate(CONFIGURATION_DELETED);
    assertTrue(connected());
    host.busy = false;
    ConfiguredNode again = new ConfiguredNode(nodes, configured("export", "disk"));
    again.deactivate(CONFIGURATION_DELETED);
    assertEquals(List.of(), nodes.list());
  }

  @Test
  void aConfigurationThatIsNotUnderstoodWishesForNothing() throws Exception {
    for (Map<String, Object> bad :
        List.of(
            configured(),
            configured("export", "disk", "connections", "0"),
            configured("export", "disk", "connections", "many"),
            configured("export", "disk", "timeout_seconds", "86401"))) {
      ConfiguredNode wish = new ConfiguredNode(nodes, bad);
      assertEquals(Severity.ERROR, wish.examine().get(0).severity());
      wish.deactivate(CONFIGURATION_DELETED);
    }
    NodeRequest good =
        ConfiguredNode.request(
            configured(
                "export", "disk", "node", "nbd1", "connections", "2", "timeout_seconds", "9"));
    assertEquals(new NodeRequest("disk", Optional.of("nbd1"), 2, Duration.ofSeconds(9)), good);
  }

  @Test
  void theDoctorSaysWhatIsMissing() {
    host.refusal = Errno.ENODEV;
    assertTrue(found(Severity.OK, "none can be connected"));
    host.refusal = Errno.EPERM;
    assertTrue(found(Severity.NOTE, "none can be connected"));
  }

  @Test
  void theDoctorCountsThreadsThatNobodyMarked() throws Exception {
    nodes.connect(NodeRequest.of("disk"));
    assertTrue(found(Severity.NOTE, "threads of this JVM"));
  }

  @Test
  void aServiceThatGoesIsMissed() {
    nodes.unbindHost(host);
    BlksnapException refused = assertThrows(BlksnapException.class, nodes::list);
    assertEquals(Errno.ESHUTDOWN, refused.errno());
  }
}
