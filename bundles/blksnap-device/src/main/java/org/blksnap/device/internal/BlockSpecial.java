// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.UUID;
import java.util.function.Consumer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.spi.host.HostFile;

/** A block device. */
final class BlockSpecial extends OpenDevice {
  /** Words of /sys/dev/block/M:N/stat, counted from 0. */
  private static final int STAT_SECTORS_WRITTEN = 6;

  private static final int STAT_SECTORS_DISCARDED = 13;

  BlockSpecial(
      Path path,
      FileStat stat,
      Geometry geometry,
      Surroundings around,
      Anchor anchor,
      HostAccess host,
      Consumer<OpenDevice> whenClosed)
      throws IOException {
    super(path, stat, geometry, around, anchor, host, whenClosed);
  }

  /** Nothing to do: the host's files hold the claim and the locks. */
  @Override
  void claim(FileChannel opened, boolean readOnly) {}

  /**
   * Size, boot, disk sequence number, and sectors written and discarded: of the device, and of a
   * partition's disk past its partitions. Counters start anew at boot, so another boot is another
   * fingerprint; where they are switched off, no two are equal. A loop device adds its file's.
   */
  @Override
  public String fingerprint() throws IOException {
    flush();
    DeviceNumber number = stat.number();
    SysBlock sys = around.sys();
    StringBuilder text = new StringBuilder();
    text.append(channel.size()).append(' ').append(around.table().bootId());
    text.append(' ').append(sys.diskAttribute(number, "diskseq").orElse("-"));
    String counted = sys.diskAttribute(number, "queue/iostats").orElse("1");
    String counters = sys.attribute(number, "stat").orElse("");
    if (counted.equals("0") || counters.isEmpty()) {
      return text.append(" uncounted ").append(UUID.randomUUID()).toString();
    }
    text.append(' ').append(counter(counters, STAT_SECTORS_WRITTEN));
    text.append(' ').append(counter(counters, STAT_SECTORS_DISCARDED));
    if (sys.partition(number)) {
      text.append(" past ").append(pastPartitions(STAT_SECTORS_WRITTEN));
      text.append(' ').append(pastPartitions(STAT_SECTORS_DISCARDED));
    }
    sys.loopBacking(number)
        .flatMap(FileStat::find)
        .filter(FileStat::regular)
        .ifPresent(file -> text.append(" over ").append(RegularFile.fingerprint(file)));
    return text.toString();
  }

  /** What was written to the partition's disk but not through any of its partitions. */
  private long pastPartitions(int word) {
    DeviceNumber disk = around.sys().disk(stat.number());
    long sum = 0;
    for (DeviceNumber member : around.sys().family(disk)) {
      long value = counter(around.sys().attribute(member, "stat").orElse(""), word);
      sum += member.equals(disk) ? value : -value;
    }
    return sum;
  }

  private static long counter(String counters, int word) {
    String[] words = counters.strip().split("\\s+", -1);
    return word < words.length && !words[word].isEmpty() ? Long.parseLong(words[word]) : 0;
  }

  @Override
  public long lastModifiedMillis() {
    return 0;
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    requireWritable();
    long block = geometry().logicalBlockSize();
    long first = roundUp(offset, block);
    long end = roundDown(offset + length, block);
    if (first < end) {
      host.use(file -> file != null && tried(() -> file.blockDiscard(first, end - first)));
    }
  }

  /** Whole blocks by the device, what is left of others at both ends by writing. */
  @Override
  public void writeZeroes(long offset, long length, boolean keepAllocated, boolean fastOnly)
      throws IOException {
    requireWritable();
    if (length <= 0) {
      return;
    }
    long block = geometry().logicalBlockSize();
    long first = roundUp(offset, block);
    long last = roundDown(offset + length, block);
    if (first >= last
        || !host.use(
            file ->
                file != null && zeroBlocks(file, first, last - first, keepAllocated, fastOnly))) {
      fillWithZeroes(offset, length, fastOnly);
      return;
    }
    ZeroFill.write(channel, offset, first - offset);
    ZeroFill.write(channel, last, offset + length - last);
  }

  /** False where the device cannot; then nothing was done. */
  private boolean zeroBlocks(
      HostFile file, long offset, long length, boolean keepAllocated, boolean fastOnly)
      throws BlksnapException {
    if (!keepAllocated && tried(() -> file.punchHole(offset, length))) {
      return true;
    }
    return (!fastOnly || zeroesFast()) && tried(() -> file.blockZeroOut(offset, length));
  }

  private boolean zeroesFast() {
    return around
        .sys()
        .diskLong(stat.number(), "queue/write_zeroes_max_bytes")
        .filter(most -> most > 0)
        .isPresent();
  }

  /** EBUSY: mounted and forced; the kernel then refuses what passes its cache. */
  @Override
  boolean cannot(BlksnapException refused) {
    return super.cannot(refused) || refused.errno() == Errno.EBUSY;
  }

  private static long roundUp(long value, long block) {
    return roundDown(value + block - 1, block);
  }

  private static long roundDown(long value, long block) {
    return value & -block;
  }
}
