// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.ChunkStatistics;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.snapshot.internal.data.HeldArea;
import org.blksnap.snapshot.internal.data.ImageView;
import org.blksnap.snapshot.internal.record.SnapshotRecord;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.DiffAreaStatus;

/** What is told of the images of a snapshot. */
final class ImageReport {
  private ImageReport() {}

  static List<ImageInfo> of(
      Collection<SnapshotRecord.Member> members, Map<String, ImageView> views, boolean taken) {
    List<ImageInfo> infos = new ArrayList<>();
    for (SnapshotRecord.Member member : members) {
      ImageView view = views.get(member.device());
      infos.add(view == null ? withoutDevice(member, taken) : of(view.held(), member.device()));
    }
    return infos;
  }

  private static ImageInfo of(HeldArea held, String device) {
    DiffArea area = held.area();
    DiffAreaStatus status = area == null ? new DiffAreaStatus(0, 0, 0, 0) : area.status();
    ChunkStatistics chunks =
        new ChunkStatistics(
            area == null ? 0 : area.chunkSize(),
            area == null ? 0 : area.chunkCount(),
            status.savedChunks(),
            status.savedBytes(),
            status.queuedChunks());
    return new ImageInfo(device, held.error(), held.detail(), held.image(), Optional.of(chunks));
  }

  /** Not taken yet, or the device is not attached. */
  private static ImageInfo withoutDevice(SnapshotRecord.Member member, boolean taken) {
    boolean missing = taken && member.error() == Errno.OK;
    return new ImageInfo(
        member.device(),
        missing ? Errno.ENXIO : member.error(),
        missing
            ? "device " + member.device() + " is not attached; attach it to have the image back"
            : member.detail(),
        member.image(),
        Optional.empty());
  }
}
