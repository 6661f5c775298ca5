// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.device;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.spi.module.TrackerState;

/** The change map of a device, asked of the module at each question. */
final class DeviceChanges implements ChangeMap {
  private final String device;
  private final DeviceNode node;
  private final PresentModule module;
  private final Generations generations;

  DeviceChanges(String device, DeviceNode node, PresentModule module, Generations generations) {
    this.device = device;
    this.node = node;
    this.module = module;
    this.generations = generations;
  }

  @Override
  public CbtInfo info() throws BlksnapException {
    return generations.seen(state());
  }

  private TrackerState state() throws BlksnapException {
    Path path = node.path();
    return module.ask(m -> m.tracker(path));
  }

  @Override
  public int read(long index, ByteBuffer dst) throws BlksnapException {
    try {
      Path path = node.path();
      return module.ask(m -> m.readMap(path, index, dst));
    } catch (BlksnapException e) {
      if (e.errno() == Errno.EFAULT) {
        generations.damaged();
      }
      throw e;
    }
  }

  /** The module takes whole sectors: what touches one marks it. */
  @Override
  public void markDirty(List<ByteRange> ranges) throws IOException {
    long capacity = state().capacity();
    List<ByteRange> sectors = new ArrayList<>();
    for (ByteRange range : ranges) {
      if (range.end() > capacity) {
        throw new BlksnapException(
            Errno.EINVAL,
            "range "
                + range
                + " refused: it must lie within the "
                + capacity
                + " bytes of device "
                + device
                + "; nothing was marked");
      }
      if (range.length() > 0) {
        long begin = range.offset() / ByteRange.SECTOR * ByteRange.SECTOR;
        long end = (range.end() + ByteRange.SECTOR - 1) / ByteRange.SECTOR * ByteRange.SECTOR;
        sectors.add(new ByteRange(begin, end - begin));
      }
    }
    if (!sectors.isEmpty()) {
      Path path = node.path();
      module.tell(m -> m.markDirty(path, sectors));
    }
  }

  @Override
  public ChangeSet changedSince(ChangePoint since) throws IOException {
    return ChangeSet.of(this, info(), since);
  }
}
