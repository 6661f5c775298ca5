// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.export.ExportKind;
import org.blksnap.api.node.DeviceNode;
import org.blksnap.api.node.DeviceNode.State;
import org.blksnap.api.node.NodeRequest;
import org.blksnap.spi.node.KernelNode;
import org.blksnap.spi.node.NodeLabel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class NodeKeeperTest {
  private static final String IMAGE = "blksnap-image_7:0";

  @TempDir Path directory;
  private final FakeHost host = new FakeHost();
  private FakeServices services;
  private NodeKeeper keeper;

  @BeforeEach
  void begin() throws Exception {
    services = new FakeServices(Files.createDirectory(directory.resolve("state")));
    services.device("disk", "dev:1", "/srv/disk.img");
    keeper = keeper();
  }

  /** As after a restart: it knows nothing but what the kernel and the state directory say. */
  private NodeKeeper keeper() throws Exception {
    Ground ground = new Ground();
    ground.host(host, true);
    ground.exports(services, true);
    ground.state(services, true);
    ground.engine(services.engine(), true);
    Path dev = directory.resolve("dev");
    Files.createDirectories(dev);
    return new NodeKeeper(ground, new ImageLinks(dev));
  }

  private static BlksnapException refused(Errno errno, Executable call) {
    BlksnapException refused = assertThrows(BlksnapException.class, call);
    assertEquals(errno, refused.errno(), refused.getMessage());
    return refused;
  }

  private State state() throws Exception {
    List<DeviceNode> nodes = keeper.list();
    assertEquals(1, nodes.size());
    return nodes.get(0).state();
  }

  @Test
  void aDeviceIsConnectedUnderALabelThatTellsIt() throws Exception {
    DeviceNode node = keeper.connect(NodeRequest.of("disk").at("nbd2"));
    assertEquals(Path.of("/dev/nbd2"), node.path());
    assertEquals(ExportKind.DEVICE, node.kind());
    NodeLabel label = NodeLabel.parse(host.connected.get(2).label()).orElseThrow();
    assertEquals(
        new NodeLabel(
            label.instance(), NodeLabel.Kind.DEVICE, 1, 600, "disk", "dev:1", "/srv/disk.img"),
        label);
    assertEquals(Path.of("/run/a b+c.sock"), host.plans.get(0).socket());
    assertEquals(Duration.ZERO, host.plans.get(0).requestTimeout());
    assertEquals(List.of(node), keeper.list());
  }

  @Test
  void severalConnectionsHaveATimeout() throws Exception {
    keeper.connect(NodeRequest.of("disk").connections(4));
    assertEquals(NodeKeeper.REPEAT_AFTER, host.plans.get(0).requestTimeout());
  }

  @Test
  void whatIsOutOfRangeIsRefused() {
    NodeRequest good = NodeRequest.of("disk");
    refused(Errno.EINVAL, () -> keeper.connect(good.connections(0)));
    refused(Errno.EINVAL, () -> keeper.connect(good.connections(17)));
    refused(Errno.EINVAL, () -> keeper.connect(good.timeout(Duration.ofMillis(999))));
    refused(Errno.EINVAL, () -> keeper.connect(good.timeout(Duration.ofDays(2))));
    refused(Errno.EINVAL, () -> keeper.connect(good.at("/dev/sda")));
    refused(Errno.EINVAL, () -> keeper.connect(good.at("/dev/nbd1p1")));
    refused(Errno.ENOENT, () -> keeper.connect(NodeRequest.of("nothing")));
    assertEquals(List.of(), host.plans);
  }

  @Test
  void anExportHasOneNode() throws Exception {
    keeper.connect(NodeRequest.of("disk"));
    String said =
        refused(Errno.EALREADY, () -> keeper.connect(NodeRequest.of("disk"))).getMessage();
    assertTrue(said.contains("/dev/nbd0"), said);
  }

  @Test
  void withoutAUnixSocketThereAreNoNodes() {
    services.listeners = List.of("nbd://127.0.0.1:10809");
    refused(Errno.EINVAL, () -> keeper.connect(NodeRequest.of("disk")));
  }

  @Test
  void namesTooLongForALabelAreRefused() {
    services.device("long", "dev:2", "/" + "ä".repeat(400));
    refused(Errno.ENAMETOOLONG, () -> keeper.connect(NodeRequest.of("long")));
  }

  @Test
  void aConnectionThatDiedIsReplacedOnceItsExportIsServed() throws Exception {
    keeper.connect(NodeRequest.of("disk"));
    services.withdraw("disk");
    keeper.died(0);
    keeper.repair();
    assertEquals(State.WAITING, state());
    assertEquals(List.of(), host.reconnected);
    services.serve("disk", ExportKind.DEVICE);
    keeper.repair();
    assertEquals(State.CONNECTED, state());
    assertEquals(List.of(0), host.reconnected);
    keeper.repair();
    assertEquals(List.of(0), host.reconnected);
  }

  @Test
  void aNodeIsFoundAgainAfterARestart() throws Exception {
    DeviceNode before = keeper.connect(NodeRequest.of("disk").timeout(Duration.ofSeconds(77)));
    keeper = keeper();
    assertEquals(State.WAITING, state());
    keeper.repair();
    assertEquals(List.of(before), keeper.list());
    assertEquals(Duration.ofSeconds(77), host.plans.get(1).deadTimeout());
    assertEquals(host.plans.get(0).label(), host.plans.get(1).label());
  }

  @Test
  void aNodeOfAnotherInstanceIsLeftAlone() throws Exception {
    keeper.connect(NodeRequest.of("disk"));
    services = new FakeServices(Files.createDirectory(directory.resolve("another")));
    services.device("disk", "dev:1", "/srv/disk.img");
    keeper = keeper();
    keeper.repair();
    assertEquals(List.of(), keeper.list());
    assertEquals(List.of(), host.reconnected);
    refused(Errno.ENODEV, () -> keeper.disconnect("/dev/nbd0", true));
    assertTrue(host.connected.containsKey(0));
  }

  @Test
  void aNodeIsNeverGivenToAnotherDevice() throws Exception {
    keeper.connect(NodeRequest.of("disk"));
    services.device("disk", "dev:2", "/srv/disk.img");
    keeper = keeper();
    keeper.repair();
    assertEquals(State.LOST, state());
    services.serve("disk", ExportKind.SOURCE);
    keeper.repair();
    assertEquals(State.LOST, state());
    assertEquals(List.of(), host.reconnected);
    services.device("disk", "dev:1", "/srv/disk.img");
    keeper.repair();
    assertEquals(State.CONNECTED, state());
  }

  @Test
  void anImagesNodeIsNeverGivenToAnotherSnapshot() throws Exception {
    services.image(IMAGE, "disk", new UUID(1, 1));
    keeper.connect(NodeRequest.of(IMAGE));
    services.image(IMAGE, "disk", new UUID(2, 2));
    keeper.died(0);
    keeper.repair();
    assertEquals(State.LOST, state());
  }

  @Test
  void aNodeIsNeverGivenToWhatBecameSmaller() throws Exception {
    keeper.connect(NodeRequest.of("disk"));
    host.size = 512;
    keeper.died(0);
    keeper.repair();
    assertEquals(State.LOST, state());
  }

  @Test
  void anImageHasALinkAsLongAsItsNode() throws Exception {
    services.image(IMAGE, "disk", new UUID(1, 1));
    Path link = directory.resolve("dev").resolve(IMAGE);
    assertEquals(Optional.of(link), keeper.connect(NodeRequest.of(IMAGE)).link());
    keeper = keeper();
    keeper.repair();
    assertEquals(Optional.of(link), keeper.list().get(0).link());
    keeper.disconnect(IMAGE, false);
    assertFalse(Files.exists(link, LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void theLinkOfANodeThatOthersDisconnectedGoes() throws Exception {
    services.image(IMAGE, "disk", new UUID(1, 1));
    keeper.connect(NodeRequest.of(IMAGE));
    host.connected.clear();
    keeper.repair();
    assertEquals(List.of(), keeper.list());
    assertFalse(Files.exists(directory.resolve("dev").resolve(IMAGE), LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void aNodeInUseOrWithoutServerIsDisconnectedByForceAlone() throws Exception {
    keeper.connect(NodeRequest.of("disk"));
    host.busy = true;
    refused(Errno.EBUSY, () -> keeper.disconnect("disk", false));
    keeper.died(0);
    refused(Errno.EAGAIN, () -> keeper.disconnect("nbd0", false));
    keeper.disconnect("/dev/nbd0", true);
    assertEquals(List.of(), keeper.list());
  }

  @Test
  void aNodeOfOthersIsSaidToBeTheirs() {
    host.connected.put(1, new KernelNode(1, true, "somebody", 512, false));
    String said = refused(Errno.ENODEV, () -> keeper.disconnect("nbd1", false)).getMessage();
    assertTrue(said.contains("somebody"), said);
    refused(Errno.ENODEV, () -> keeper.disconnect("nbd3", false));
    refused(Errno.ENODEV, () -> keeper.disconnect("/", false));
  }

  @Test
  void withoutTheModuleThereAreNone() throws Exception {
    host.refusal = Errno.ENODEV;
    assertEquals(List.of(), keeper.list());
    refused(Errno.ENODEV, () -> keeper.connect(NodeRequest.of("disk")));
  }

  @Test
  void whatIsMissingIsNamed() {
    NodeKeeper alone = new NodeKeeper(new Ground(), new ImageLinks(directory));
    String said = refused(Errno.ESHUTDOWN, alone::list).getMessage();
    assertTrue(said.contains("org.blksnap.ioctl"), said);
  }
}
