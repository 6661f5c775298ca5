// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.linux.file.FileIdentity.Kind;
import org.blksnap.linux.proc.DeviceNumber;

/**
 * What stat(2) answers, following links. Opens nothing, so that it neither disturbs advisory locks
 * nor minds interrupts.
 *
 * @param mode type and permissions
 * @param dev encoded device number of the file system
 * @param rdev encoded device number of a device node
 * @param ino inode
 * @param size bytes; 0 for a block device
 * @param modifiedNs last change of the content, ns since the epoch
 * @param changedNs last change of content or inode, ns since the epoch
 */
record FileStat(
    int mode, long dev, long rdev, long ino, long size, long modifiedNs, long changedNs) {
  /** Stamps are those of the kernel's last tick: ten milliseconds where it is longest. */
  private static final Duration FINE_GRANULE = Duration.ofMillis(20);

  /** File systems that keep whole seconds, some of them even ones alone. */
  private static final Duration COARSE_GRANULE = Duration.ofMillis(2100);

  private static final long SECOND_NANOS = 1_000_000_000;
  private static final Pattern READING =
      Pattern.compile("(\\d+),(-?\\d+\\.\\d{9}),(-?\\d+\\.\\d{9}),(\\d+),(\\d+)");

  static FileStat of(Path path) throws IOException {
    Map<String, Object> all =
        Files.readAttributes(path, "unix:mode,dev,rdev,ino,size,lastModifiedTime,ctime");
    return new FileStat(
        (Integer) all.get("mode"),
        (Long) all.get("dev"),
        (Long) all.get("rdev"),
        (Long) all.get("ino"),
        (Long) all.get("size"),
        ((FileTime) all.get("lastModifiedTime")).to(TimeUnit.NANOSECONDS),
        ((FileTime) all.get("ctime")).to(TimeUnit.NANOSECONDS));
  }

  /** Empty where there is no such file or it may not be looked at. */
  static Optional<FileStat> find(Path path) {
    try {
      return Optional.of(of(path));
    } catch (IOException missing) {
      return Optional.empty();
    }
  }

  FileIdentity identity() {
    return FileIdentity.of(mode, dev, rdev, ino);
  }

  boolean regular() {
    return Kind.ofMode(mode) == Kind.REGULAR;
  }

  boolean block() {
    return Kind.ofMode(mode) == Kind.BLOCK;
  }

  /** The device this node stands for. */
  DeviceNumber number() {
    return DeviceNumber.of(rdev);
  }

  /** The device of the file system the file lies on. */
  DeviceNumber home() {
    return DeviceNumber.of(dev);
  }

  /** True where both are the same device, or the same file. */
  boolean same(FileStat other) {
    return identity().equals(other.identity());
  }

  /** Seconds with nine decimals, as stat(1) prints them by {@code %.9Y}. */
  private static String seconds(long nanos) {
    return String.format(
        Locale.ROOT,
        "%d.%09d",
        Math.floorDiv(nanos, SECOND_NANOS),
        Math.floorMod(nanos, SECOND_NANOS));
  }

  /** As a {@link org.blksnap.spi.device.Trace} of kind STAT is read. */
  String reading() {
    return String.join(
        ",",
        Long.toString(size),
        seconds(modifiedNs),
        seconds(changedNs),
        Long.toString(dev),
        Long.toString(ino));
  }

  /** Type and permissions are not in a reading. Empty where it is none. */
  static Optional<FileStat> ofReading(String reading) {
    Matcher words = READING.matcher(reading);
    if (!words.matches()) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new FileStat(
              0,
              Long.parseLong(words.group(4)),
              0,
              Long.parseLong(words.group(5)),
              Long.parseLong(words.group(1)),
              nanos(words.group(2)),
              nanos(words.group(3))));
    } catch (NumberFormatException | ArithmeticException tooLarge) {
      return Optional.empty();
    }
  }

  private static long nanos(String seconds) {
    return new BigDecimal(seconds).movePointRight(9).longValueExact();
  }

  /** False where a stamp is beyond what nanoseconds can count: two of them may look the same. */
  boolean stamped() {
    return counted(modifiedNs) && counted(changedNs);
  }

  private static boolean counted(long nanos) {
    return nanos != Long.MAX_VALUE && nanos != Long.MIN_VALUE;
  }

  /** How far apart two changes have to be for their stamps to differ, as far as these show. */
  Duration granule() {
    boolean wholeSeconds = modifiedNs % SECOND_NANOS == 0 && changedNs % SECOND_NANOS == 0;
    return wholeSeconds ? COARSE_GRANULE : FINE_GRANULE;
  }
}
