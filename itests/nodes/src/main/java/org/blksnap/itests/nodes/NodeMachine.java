// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.nodes;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.export.Export;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.node.DeviceNode;
import org.blksnap.api.node.NodeRequest;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.ioctl.internal.LinuxHostOperations;
import org.blksnap.ioctl.internal.node.LinuxNodeHost;
import org.blksnap.nbd.internal.export.Exports;
import org.blksnap.nbd.internal.server.ListenAddress;
import org.blksnap.nbd.internal.server.NbdServer;
import org.blksnap.nbd.internal.session.Limits;
import org.blksnap.node.internal.NodeComponent;
import org.blksnap.testkit.engine.TestEngine;

/**
 * The userspace engine, the NBD server and device nodes in a plain JVM, on a directory: {@code
 * NodeMachine DIRECTORY}. A line of standard input is an order, and has one line of answer that
 * begins with {@code ok} or {@code refused}. It ends with its standard input.
 */
public final class NodeMachine implements ExportService {
  private static final long MIB = 1 << 20;

  private final TestEngine engine;
  private final NbdServer server;
  private final NodeComponent nodes = new NodeComponent();

  private NodeMachine(Path directory) throws IOException {
    engine = TestEngine.in(directory, new LinuxHostOperations());
    Exports exports = new Exports(Duration.ofSeconds(10), Duration.ofSeconds(30));
    exports.arrived("userspace", engine.service());
    server = new NbdServer(exports, Limits.DEFAULTS);
    server.begun(nodes::begun);
    server.listen(ListenAddress.unix(directory.resolve("nbd/blksnap.sock")), null);
    nodes.bindState(location(directory.resolve("state")));
    nodes.bindEngine(engine.service());
    nodes.bindExports(this);
    nodes.bindHost(new LinuxNodeHost());
    nodes.activate();
  }

  private static StateLocation location(Path state) {
    return new StateLocation() {
      @Override
      public Path directory() {
        return state;
      }

      @Override
      public String hotDirectoryChoice() {
        return "none";
      }

      @Override
      public boolean leftForGood() {
        return false;
      }
    };
  }

  @Override
  public List<Export> exports() {
    return server.served();
  }

  @Override
  public List<String> listeners() {
    return server.listeners().stream().map(listener -> listener.uri("")).toList();
  }

  private String obey(String[] words) throws IOException {
    SnapshotService service = engine.service();
    return switch (words[0]) {
      case "disk" -> engine.disk(words[1], Long.parseLong(words[2]) * MIB).name();
      case "connect" -> shown(nodes.connect(request(words)));
      case "wish" -> {
        nodes.wish(request(words));
        yield "";
      }
      case "disconnect" -> {
        nodes.disconnect(words[1], words.length > 2);
        yield "";
      }
      case "list" ->
          nodes.list().stream().map(NodeMachine::shown).collect(Collectors.joining("; "));
      case "findings" ->
          nodes.examine().stream()
              .map(finding -> finding.severity() + " " + finding.observation())
              .collect(Collectors.joining("; "));
      case "snapshot" -> snapshot(service, words);
      case "destroy" -> {
        for (var id : service.collect()) {
          service.destroy(id);
        }
        yield "";
      }
      case "images" ->
          service.images().stream()
              .map(image -> image.name() + " " + image.error())
              .collect(Collectors.joining("; "));
      case "map" -> map(service, words[1]);
      case "append" -> {
        Snapshot snapshot = service.create(SnapshotRequest.of(words[1]));
        try {
          snapshot.appendStorageDirectory(Path.of(words[2]), 8 * MIB);
        } finally {
          snapshot.destroy();
        }
        yield "";
      }
      case "mute" -> {
        server.close();
        yield "";
      }
      default -> throw new IOException("no such order");
    };
  }

  private static NodeRequest request(String[] words) {
    NodeRequest request = NodeRequest.of(words[1]);
    for (int i = 2; i < words.length; i++) {
      String[] setting = words[i].split("=", 2);
      request =
          switch (setting[0]) {
            case "node" -> request.at(setting[1]);
            case "connections" -> request.connections(Integer.parseInt(setting[1]));
            case "timeout" -> request.timeout(Duration.ofSeconds(Long.parseLong(setting[1])));
            default -> throw new IllegalArgumentException(words[i]);
          };
    }
    return request;
  }

  private static String snapshot(SnapshotService service, String[] words) throws IOException {
    StorageGrant storage =
        StorageGrant.directory(Path.of(words[2]), Long.parseLong(words[3]) * MIB);
    SnapshotLease lease = service.take(SnapshotRequest.of(words[1]).on(storage));
    SnapshotImage image = lease.snapshot().image(words[1]);
    return image.name() + " " + lease.result().consistency() + " " + lease.result().warnings();
  }

  private static String map(SnapshotService service, String device) throws IOException {
    var changes = service.device(device).orElseThrow().changes().info();
    return changes.generationId() + " " + changes.reason() + " " + changes.changesNumber();
  }

  private static String shown(DeviceNode node) {
    return node.path()
        + " "
        + node.export()
        + " "
        + node.state()
        + " "
        + node.size()
        + " "
        + node.link().map(Path::toString).orElse("-")
        + (node.detail().isEmpty() ? "" : " (" + node.detail() + ")");
  }

  public static void main(String[] args) throws Exception {
    NodeMachine machine = new NodeMachine(Path.of(args[0]));
    System.out.println("ok " + ProcessHandle.current().pid());
    BufferedReader orders = new BufferedReader(new InputStreamReader(System.in));
    for (String line = orders.readLine(); line != null; line = orders.readLine()) {
      System.out.println(answer(machine, line));
    }
    machine.nodes.deactivate();
    machine.server.close();
    machine.engine.close();
    System.exit(0);
  }

  private static String answer(NodeMachine machine, String line) {
    try {
      return ("ok " + machine.obey(line.split(" "))).replace('\n', ' ');
    } catch (BlksnapException refused) {
      return "refused " + refused.errno() + " " + refused.getMessage();
    } catch (IOException | RuntimeException failed) {
      return "refused " + failed;
    }
  }
}
