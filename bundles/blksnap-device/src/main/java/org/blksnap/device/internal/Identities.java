// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.linux.proc.DeviceNumber;
import org.blksnap.spi.device.DeviceIdentity;

/**
 * Who a device is, by the most lasting name it has: dm or md UUID, the backing file of a loop
 * device, WWN, serial number, and only then the kernel's name. A partition adds its own.
 */
final class Identities {
  private final SysBlock sys;

  Identities(SysBlock sys) {
    this.sys = sys;
  }

  DeviceIdentity of(FileStat stat) {
    if (!stat.block()) {
      return new DeviceIdentity(stat.identity().fileKey(), false, 0, 0);
    }
    DeviceNumber number = stat.number();
    String key = diskKey(number) + (sys.partition(number) ? partitionKey(number) : "");
    return new DeviceIdentity(key, true, number.major(), number.minor());
  }

  private String diskKey(DeviceNumber number) {
    return named("dm:", number, "dm/uuid")
        .or(() -> named("md:", number, "md/uuid"))
        .or(() -> loopKey(number))
        .or(() -> named("wwn:", number, "wwid"))
        .or(() -> named("wwn:", number, "device/wwid"))
        .or(() -> named("serial:", number, "serial"))
        .or(() -> named("serial:", number, "device/serial"))
        .orElseGet(() -> "name:" + sys.name(sys.disk(number)));
  }

  private Optional<String> named(String prefix, DeviceNumber number, String file) {
    return sys.diskAttribute(number, file).map(text -> prefix + text.replaceAll("\\s+", "_"));
  }

  private Optional<String> loopKey(DeviceNumber number) {
    Function<Path, String> byPath = path -> "path:" + path;
    String offset = sys.diskAttribute(number, "loop/offset").orElse("0");
    return sys.loopBacking(number)
        .map(
            path ->
                FileStat.find(path).map(file -> of(file).key()).orElseGet(() -> byPath.apply(path)))
        .map(key -> FileIdentity.loopKeyOver(key) + offset);
  }

  private String partitionKey(DeviceNumber number) {
    return "/part:"
        + sys.attribute(number, "uevent")
            .flatMap(
                text ->
                    text.lines()
                        .filter(line -> line.startsWith("PARTUUID="))
                        .findFirst()
                        .map(line -> line.substring("PARTUUID=".length())))
            .orElseGet(
                () ->
                    sys.attribute(number, "partition").orElse("?")
                        + "@"
                        + sys.attribute(number, "start").orElse("?"));
  }
}
