// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.linux.proc.BootId;
import org.blksnap.spi.device.Trace;
import org.blksnap.spi.host.HostFile;

/** A block device. */
final class BlockSpecial extends OpenDevice {
  private final BlockTraces traces;

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
    traces = new BlockTraces(path, stat.number(), around.sys(), around.topology());
  }

  /** Nothing to do: the host's files hold the claim and the locks. */
  @Override
  void claim(FileChannel opened, boolean readOnly) {}

  @Override
  public List<Trace> traces() {
    return traces.list();
  }

  /** Counters start anew at boot, so another boot is another fingerprint. */
  @Override
  public Optional<String> fingerprintOf(Map<Trace, String> readings) {
    return traces.amount(readings).map(text -> BootId.of(around.table().proc()) + " " + text);
  }

  /** That of the file behind a loop device; counters know every write. */
  @Override
  public Duration stampGranule() {
    return around
        .sys()
        .loopBacking(stat.number())
        .flatMap(FileStat::find)
        .filter(FileStat::regular)
        .map(FileStat::granule)
        .orElse(Duration.ZERO);
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
