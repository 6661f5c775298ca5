// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.blksnap.enginebase.record.RecordFile;

/**
 * A device as this engine knows it, in {@code devices/<name>/device.record}. It stays when the
 * device is detached: whoever attaches it again is told that it was.
 *
 * @param path what a person named
 * @param name the device's
 * @param major number
 * @param minor number
 * @param attached it was not detached through this engine
 * @param persistent it is attached again at a start
 * @param incarnation life of the module that last had it attached
 * @param bootId of the host then
 * @param medium what was in the device; empty where the system does not tell
 * @param map its change map as last seen; empty where it was never read
 */
public record DeviceRecord(
    Path path,
    String name,
    int major,
    int minor,
    boolean attached,
    boolean persistent,
    String incarnation,
    String bootId,
    String medium,
    Optional<KnownMap> map) {
  private static final String KIND = "kernel-device";
  private static final String FILE = "device.record";

  public DeviceRecord with(KnownMap seen) {
    return new DeviceRecord(
        path,
        name,
        major,
        minor,
        attached,
        persistent,
        incarnation,
        bootId,
        medium,
        Optional.of(seen));
  }

  public DeviceRecord detached() {
    return new DeviceRecord(
        path, name, major, minor, false, false, incarnation, bootId, medium, map);
  }

  /** On disk when it returns. */
  public void write(Path directory) throws IOException {
    Files.createDirectories(directory);
    Map<String, String> values = new TreeMap<>();
    values.put("path", path.toString());
    values.put("name", name);
    values.put("major", Integer.toString(major));
    values.put("minor", Integer.toString(minor));
    values.put("attached", Boolean.toString(attached));
    values.put("persistent", Boolean.toString(persistent));
    values.put("incarnation", incarnation);
    values.put("boot_id", bootId);
    values.put("medium", medium);
    map.ifPresent(known -> known.put(values, "map_"));
    RecordFile.write(directory.resolve(FILE), KIND, values);
  }

  public static boolean isIn(Path directory) {
    return Files.exists(directory.resolve(FILE));
  }

  /** Fails also where a value is missing or is none. */
  public static DeviceRecord read(Path directory) throws IOException {
    Map<String, String> values = RecordFile.read(directory.resolve(FILE), KIND);
    return new DeviceRecord(
        Path.of(values.get("path")),
        values.get("name"),
        Integer.parseInt(values.get("major")),
        Integer.parseInt(values.get("minor")),
        Boolean.parseBoolean(values.get("attached")),
        Boolean.parseBoolean(values.get("persistent")),
        values.get("incarnation"),
        values.get("boot_id"),
        values.get("medium"),
        KnownMap.in(values, "map_"));
  }
}
