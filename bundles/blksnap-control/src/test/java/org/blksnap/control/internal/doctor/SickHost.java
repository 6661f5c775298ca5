// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.DeviceCondition;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.StorageStatus;

/** A doctor and what it looks at: one engine with a device and its snapshot, all of it well. */
final class SickHost {
  static final UUID ID = new UUID(7, 7);

  /** What each answers, by the method's name; an exception is thrown. */
  final Map<String, Object> engine = new HashMap<>();

  final Map<String, Object> device = new HashMap<>();
  final Map<String, Object> changes = new HashMap<>();
  final Map<String, Object> snapshot = new HashMap<>();
  final Map<String, Object> parameters = new HashMap<>();

  final DoctorComponent doctor = new DoctorComponent();

  SickHost() {
    changes.put("info", null);
    device.put("name", "disk");
    device.put("path", Path.of("/dev/disk"));
    device.put("capacity", 1L << 20);
    device.put("condition", DeviceCondition.OK);
    device.put("conditionDetail", "ok");
    device.put("changes", answering(ChangeMap.class, changes));
    snapshot.put("id", ID);
    snapshot.put("state", SnapshotState.TAKEN);
    snapshot.put("taken", Optional.of(Instant.EPOCH));
    snapshot.put("owner", "");
    snapshot.put("orphaned", false);
    storage(1 << 20, 4096, 1 << 20, 0, false);
    image(Errno.OK, "");
    engine.put("devices", List.of(answering(AttachedDevice.class, device)));
    engine.put("snapshots", List.of(answering(Snapshot.class, snapshot)));
    parameters.put("lastRefusal", Optional.empty());
  }

  /** Everything that is usually there. */
  static SickHost started() {
    SickHost host = new SickHost();
    host.doctor.addEngine(
        answering(SnapshotService.class, host.engine), of(SnapshotService.class, "userspace", 0));
    host.doctor.addParameters(
        answering(Parameters.class, host.parameters), of(Parameters.class, "userspace", 0));
    host.doctor.exports = answering(ExportService.class, Map.of());
    return host;
  }

  void storage(long capacity, long filled, long requested, long limit, boolean overflown) {
    snapshot.put(
        "storage", new StorageStatus(capacity, filled, requested, limit, overflown, List.of()));
  }

  void image(Errno error, String detail) {
    snapshot.put(
        "info",
        List.of(new ImageInfo("disk", error, detail, "blksnap-image_7:0", Optional.empty())));
  }

  void add(Examination examination) {
    doctor.addExamination(examination, new FakeReference<>(Map.of()));
  }

  List<Finding> findings() {
    return doctor.examine().stream().flatMap(examined -> examined.findings().stream()).toList();
  }

  /** The one finding of that severity. */
  Finding only(Finding.Severity severity) {
    List<Finding> all = findings();
    List<Finding> found = all.stream().filter(f -> f.severity() == severity).toList();
    if (found.size() != 1) {
      throw new AssertionError(severity + " " + found.size() + " times: " + all);
    }
    return found.get(0);
  }

  /** A reference to a service of an engine. */
  static <S> FakeReference<S> of(Class<S> type, String engine, int ranking) {
    return new FakeReference<>(
        Map.of("objectClass", type, SnapshotService.ENGINE, engine, "service.ranking", ranking));
  }

  /** One whose methods answer what stands under their names. */
  static <T> T answering(Class<T> type, Map<String, Object> answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              Object answer = answers.get(method.getName());
              if (answer instanceof BlksnapException failure) {
                throw failure;
              }
              if (answer == null && !answers.containsKey(method.getName())) {
                throw new AssertionError("not expected: " + method);
              }
              return answer;
            }));
  }
}
