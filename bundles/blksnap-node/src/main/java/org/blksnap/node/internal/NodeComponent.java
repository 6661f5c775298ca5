// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.export.ServingThreads;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.node.DeviceNode;
import org.blksnap.api.node.DeviceNodes;
import org.blksnap.api.node.NodeRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.spi.node.NodeHost;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * Device nodes as a component. Nodes outlive it: its end disconnects nothing.
 *
 * <p>All it needs may come and go; what is asked of it meanwhile is refused with ESHUTDOWN.
 */
@Component(
    immediate = true,
    service = {DeviceNodes.class, Examination.class, ServingThreads.class, NodeComponent.class})
public final class NodeComponent implements DeviceNodes, Examination, ServingThreads {
  private final Ground ground = new Ground();
  private final ThreadCare care = new ThreadCare();
  private final NodeKeeper keeper;
  private final NodeWishes wishes;
  private final NodeWatch watch;
  private final Path process;

  /** Where links of images are made, and where this process is seen. */
  public NodeComponent(Path links, Path process) {
    this.keeper = new NodeKeeper(ground, new ImageLinks(links));
    this.wishes = new NodeWishes(keeper);
    this.watch = new NodeWatch(ground, keeper, wishes, care);
    this.process = process;
  }

  public NodeComponent() {
    this(Path.of("/dev"), Path.of("/proc/self"));
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  public void bindHost(NodeHost host) {
    ground.host(host, true);
    watch.wake();
  }

  public void unbindHost(NodeHost host) {
    ground.host(host, false);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  public void bindExports(ExportService exports) {
    ground.exports(exports, true);
    watch.wake();
  }

  public void unbindExports(ExportService exports) {
    ground.exports(exports, false);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  public void bindState(StateLocation state) {
    ground.state(state, true);
    watch.wake();
  }

  public void unbindState(StateLocation state) {
    ground.state(state, false);
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  public void bindEngine(SnapshotService engine) {
    ground.engine(engine, true);
  }

  public void unbindEngine(SnapshotService engine) {
    ground.engine(engine, false);
  }

  @Activate
  public void activate() {
    watch.start();
  }

  @Deactivate
  public void deactivate() {
    watch.close();
  }

  @Override
  public DeviceNode connect(NodeRequest request) throws BlksnapException {
    care.lock(ground.requireHost());
    DeviceNode node = keeper.connect(request);
    watch.wake();
    return node;
  }

  @Override
  public void disconnect(String node, boolean force) throws BlksnapException {
    keeper.disconnect(node, force);
  }

  @Override
  public List<DeviceNode> list() throws BlksnapException {
    return keeper.list();
  }

  public void wish(NodeRequest request) {
    wishes.add(request);
    watch.wake();
  }

  public void unwish(NodeRequest request, boolean disconnect) {
    wishes.remove(request, disconnect);
  }

  @Override
  public void begun() {
    ground.host().ifPresent(care::mark);
  }

  @Override
  public String subject() {
    return "device nodes";
  }

  @Override
  public List<Finding> examine() {
    List<Finding> findings = new ArrayList<>();
    wishes.unfulfilled().forEach(wish -> findings.add(NodeFindings.wish(wish)));
    try {
      ground.requireHost().require();
      List<DeviceNode> nodes = keeper.list();
      findings.add(NodeFindings.ready(nodes.size()));
      nodes.stream()
          .filter(node -> node.state() != DeviceNode.State.CONNECTED)
          .forEach(node -> findings.add(NodeFindings.of(node)));
      if (!nodes.isEmpty()) {
        findings.addAll(NodeFindings.care(care, process));
      }
    } catch (BlksnapException refused) {
      findings.add(NodeFindings.kernel(refused));
    }
    return findings;
  }
}
