// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.blksnap.api.export.Export;
import org.blksnap.api.export.ExportKind;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StateLocation;

/** An engine and a server, as far as nodes ask them. */
final class FakeServices implements ExportService, StateLocation {
  final List<Export> exports = new ArrayList<>();
  final Map<String, AttachedDevice> devices = new TreeMap<>();
  final Map<String, SnapshotImage> images = new TreeMap<>();
  List<String> listeners =
      List.of("nbd://127.0.0.1:10809", "nbd+unix:///?socket=/run/a%20b+c.sock");
  private final Path state;

  FakeServices(Path state) {
    this.state = state;
  }

  /** Only what nodes ask; everything else fails the test. */
  private static <T> T answering(Class<T> type, Map<String, Object> answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              if (!answers.containsKey(method.getName())) {
                throw new UnsupportedOperationException(method.getName());
              }
              return answers.get(method.getName());
            }));
  }

  void device(String name, String identity, String path) {
    devices.put(
        name, answering(AttachedDevice.class, Map.of("identity", identity, "path", Path.of(path))));
    serve(name, ExportKind.DEVICE);
  }

  void image(String name, String device, UUID snapshot) {
    images.put(
        name, answering(SnapshotImage.class, Map.of("device", device, "snapshot", snapshot)));
    serve(name, ExportKind.IMAGE);
  }

  void serve(String name, ExportKind kind) {
    withdraw(name);
    exports.add(new Export(name, kind, 1 << 20, false, "", 0));
  }

  void withdraw(String name) {
    exports.removeIf(export -> export.name().equals(name));
  }

  SnapshotService engine() {
    return (SnapshotService)
        Proxy.newProxyInstance(
            SnapshotService.class.getClassLoader(),
            new Class<?>[] {SnapshotService.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "device" -> Optional.ofNullable(devices.get(arguments[0]));
                  case "image" -> Optional.ofNullable(images.get(arguments[0]));
                  case "equals" -> proxy == arguments[0];
                  case "hashCode" -> 1;
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  @Override
  public List<Export> exports() {
    return List.copyOf(exports);
  }

  @Override
  public List<String> listeners() {
    return listeners;
  }

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
}
