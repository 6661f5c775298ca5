// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.enginebase.record.RecordFile;

/** What is kept of an attached device besides its change map: {@code device.record}. */
public record DeviceRecord(AttachRequest request, int minor) {
  private static final String KIND = "device";
  private static final String FILE = "device.record";

  /** Nothing to do where it stands there already: a write is a wait for the disk. */
  public void write(Path directory) throws IOException {
    if (standsIn(directory)) {
      return;
    }
    RecordFile.write(
        directory.resolve(FILE),
        KIND,
        Map.of(
            "path", request.path().toString(),
            "name", request.name(),
            "read_only", Boolean.toString(request.readOnly()),
            "force", Boolean.toString(request.force()),
            "durable", Boolean.toString(request.durable()),
            "persistent", Boolean.toString(request.persistent()),
            "minor", Integer.toString(minor)));
  }

  private boolean standsIn(Path directory) {
    try {
      return Files.exists(in(directory)) && equals(read(directory));
    } catch (IOException | RuntimeException e) {
      return false;
    }
  }

  public static DeviceRecord read(Path directory) throws IOException {
    Map<String, String> values = RecordFile.read(directory.resolve(FILE), KIND);
    return new DeviceRecord(
        AttachRequest.of(Path.of(values.get("path")))
            .named(values.get("name"))
            .readOnly(Boolean.parseBoolean(values.get("read_only")))
            .force(Boolean.parseBoolean(values.get("force")))
            .durable(Boolean.parseBoolean(values.get("durable")))
            .persistent(Boolean.parseBoolean(values.get("persistent"))),
        Integer.parseInt(values.get("minor")));
  }

  public static Path in(Path directory) {
    return directory.resolve(FILE);
  }
}
