// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.enginebase.change.ImageChanges;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.LentDevice;
import org.blksnap.kernel.internal.record.KnownMap;
import org.blksnap.kernel.internal.record.SnapshotRecord.Member;
import org.blksnap.spi.module.MemberState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the images of a snapshot that was taken. Under the engine's control lock. */
final class Images {
  private static final Logger LOG = LoggerFactory.getLogger(Images.class);

  private final Desk desk;

  Images(Desk desk) {
    this.desk = desk;
  }

  /** What the kernel says of a member now. */
  MemberState stateOf(Member member) throws BlksnapException {
    desk.disks().check(new Disk(member.path(), member.major(), member.minor()));
    return desk.module().ask(m -> m.member(member.path()));
  }

  /** Those that the kernel did not tell at the take are asked for again. */
  void find(HeldSnapshot snapshot) {
    for (Member member : snapshot.record().members()) {
      if (!snapshot.lacksImage() || !member.image().isEmpty()) {
        continue;
      }
      try {
        String image = stateOf(member).image();
        if (!image.isEmpty()) {
          snapshot.imaged(member.device(), image);
        }
      } catch (BlksnapException e) {
        LOG.debug("the image of device {} is not known: {}", member.device(), e.toString());
      }
    }
  }

  /** The images of all members whose device is attached. */
  void link(HeldSnapshot snapshot) throws BlksnapException {
    for (Member member : snapshot.record().members()) {
      Optional<LiveDevice> device = desk.devices().named(member.device());
      boolean linked = snapshot.images().containsKey(member.device());
      if (!linked && !member.image().isEmpty() && device.isPresent()) {
        snapshot.link(image(snapshot, member, device.get()));
      }
    }
  }

  private ImageDevice image(HeldSnapshot snapshot, Member member, LiveDevice device)
      throws BlksnapException {
    Geometry now = device.geometry().withReadOnly(false);
    Geometry geometry =
        member.changes().map(map -> now.withCapacity(map.state().capacity())).orElse(now);
    Path node = desk.module().ask(m -> m.imageNode(member.image()));
    return new ImageDevice(
        member.image(),
        node,
        snapshot.id(),
        member.device(),
        geometry,
        new ImageChanges(
            member.image(),
            geometry.capacity(),
            device.changes(),
            member.changes().map(KnownMap::info).orElse(null)),
        snapshot.health(member.device()),
        desk.providers(),
        sight(member.image(), node, snapshot.id()));
  }

  /** The name of an image comes again: with another snapshot of the same device. */
  private LentDevice.Sight sight(String image, Path node, UUID snapshot) {
    Optional<String> meant = desk.disks().sightNamed(image);
    return () -> {
      Optional<String> now = desk.disks().sight(node);
      if (!now.equals(meant)) {
        throw new BlksnapException(
            Errno.ESTALE,
            node
                + " is "
                + now.orElse("no block device")
                + " now, and was "
                + meant.orElse("none")
                + ": image "
                + image
                + " of snapshot "
                + snapshot
                + " is gone");
      }
    };
  }
}
