// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.HeldArea;
import org.blksnap.snapshot.internal.record.SnapshotRecord;

/**
 * Puts images back over their devices: after a restart, and where a device is attached again. Here
 * is said by which reasons of a generation an image is lost. Under the engine's control lock.
 */
public final class ImageLinks {
  /**
   * A generation begun for one of these since the image was known to be good says that it is not
   * the old content any more.
   */
  private static final Set<GenerationReason> BREAKS_IMAGES =
      Set.of(
          GenerationReason.CHANGED_WHILE_DETACHED,
          GenerationReason.UNPROVEN,
          GenerationReason.UNCLEAN_POWER_LOSS,
          GenerationReason.OTHER_DEVICE,
          GenerationReason.RESIZE,
          GenerationReason.MAP_UNREADABLE,
          GenerationReason.MAP_CORRUPTED,
          GenerationReason.FIRST_ATTACH);

  private final Desk desk;
  private final DiffAreas areas;
  private final DeviceGates gates;

  public ImageLinks(Desk desk, DiffAreas areas, DeviceGates gates) {
    this.desk = desk;
    this.areas = areas;
    this.gates = gates;
  }

  /** Puts an attached device back under a snapshot that holds it. */
  public void relink(HeldSnapshot snapshot, FilteredDevice device) {
    desk.assertControlled();
    SnapshotRecord.Member member = snapshot.members().get(device.name());
    if (member == null || snapshot.views().containsKey(device.name())) {
      return;
    }
    device.belongTo(snapshot.id());
    if (snapshot.state() != SnapshotState.TAKEN) {
      return;
    }
    HeldArea held = new HeldArea(member.image(), member.geometry());
    snapshot.link(device, held);
    if (member.error() != Errno.OK) {
      held.lose(member.error(), member.detail());
      return;
    }
    String broken = brokenSince(device, member.generation());
    if (broken != null) {
      lose(snapshot, device, Errno.EIO, broken);
      return;
    }
    try {
      held.install(
          desk.providers().chunk().adopt(areas.request(snapshot, device, held, member.rule())));
      if (held.area().error() != Errno.OK) {
        lose(snapshot, device, held.area().error(), held.area().detail());
      }
      if (gates.shut(device)) {
        device.hold(held);
        gates.open(device);
        snapshot.keepGeneration(device);
      } else {
        lose(snapshot, device, Errno.EBUSY, "the device was in use while its snapshot came back");
      }
    } catch (BlksnapException | RuntimeException | Error e) {
      lose(
          snapshot,
          device,
          BlksnapException.errnoOf(e),
          "its saved chunks were not found again: " + e.getMessage());
    }
  }

  /**
   * Written down before anything else is done: a kill in the middle of a restoration must not leave
   * a record that trusts the image, for what spoke against it may not be seen a second time.
   */
  private void lose(HeldSnapshot snapshot, FilteredDevice device, Errno error, String detail) {
    areas.lose(snapshot, snapshot.views().get(device.name()), error, detail);
  }

  /**
   * Null, or why the image cannot be trusted: the tracker has seen that the device is not as it was
   * left, at this start or at one that was killed before it could be written down. {@code known} is
   * the generation under which the image was good; null where that was not known: then any
   * generation begun for such a reason may be a later one.
   */
  private static String brokenSince(FilteredDevice device, UUID known) {
    try {
      CbtInfo info = device.tracker().info();
      if (!info.generationId().equals(known) && BREAKS_IMAGES.contains(info.reason())) {
        return info.reason().text()
            + (info.reasonDetail().isEmpty() ? "" : " (" + info.reasonDetail() + ")");
      }
      return null;
    } catch (IOException e) {
      return "its change map cannot be read: " + e.getMessage();
    }
  }
}
