package ${package};

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.blksnap.api.block.CopyProgress;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * The command {@code example:copy DISK TARGET}: the first time it copies all of a disk into a file,
 * from then on what changed. Beside the target stands TARGET.point: where it is there, the target
 * is the disk as it was at that point, whole and on stable storage; where it is not, the target is
 * not to be used, and the next copy is a full one.
 */
@Component(
    service = IncrementalCopy.class,
    property = {"osgi.command.scope=example", "osgi.command.function=copy"})
public final class IncrementalCopy {
  private static final String OWNER = "${package}";

  private final SnapshotService engine;

  @Activate
  public IncrementalCopy(@Reference(target = "(blksnap.engine=userspace)") SnapshotService engine) {
    this.engine = engine;
  }

  /** Both are paths; answers what was done, for a person. One copy at a time. */
  public synchronized String copy(String disk, String target) throws IOException {
    Path file = Path.of(target).toAbsolutePath();
    Path kept = file.resolveSibling(file.getFileName() + ".point");
    AttachedDevice device = engine.attachOrGet(AttachRequest.of(Path.of(disk).toAbsolutePath()));
    freeOf(device);
    try (SnapshotLease lease =
            engine.take(SnapshotRequest.of(device.name()).labelled("copy").ownedBy(OWNER));
        FileChannel out = FileChannel.open(file, CREATE, WRITE)) {
      SnapshotImage image = lease.image(device.name());
      ChangePoint last =
          Files.exists(kept) && out.size() == image.capacity()
              ? ChangePoint.parse(Files.readString(kept))
              : ChangePoint.BEGINNING;
      ChangeSet changes = image.changes().changedSince(last);
      // From the first byte written on, the target is neither the old state nor the new one.
      Files.deleteIfExists(kept);
      force(file.getParent());
      out.truncate(image.capacity());
      long bytes = image.copyTo(out, changes, CopyProgress.NONE);
      out.force(true);
      remember(changes.point(), kept);
      return (changes.full() ? "all (" + changes.fullReason() + ")" : "what changed")
          + (": " + bytes + " bytes, up to " + changes.point());
    }
  }

  /** A copy that a kill has ended left its snapshot, which holds the device. */
  private void freeOf(AttachedDevice device) throws IOException {
    for (Snapshot left : engine.snapshots()) {
      if (left.owner().equals(OWNER) && left.devices().contains(device.name())) {
        left.destroy();
      }
    }
  }

  /** The target is on stable storage when this is called; the point appears whole or not at all. */
  private static void remember(ChangePoint point, Path kept) throws IOException {
    Path next = kept.resolveSibling(kept.getFileName() + ".new");
    try (FileChannel out = FileChannel.open(next, CREATE, TRUNCATE_EXISTING, WRITE)) {
      out.write(StandardCharsets.UTF_8.encode(point.toString()));
      out.force(true);
    }
    Files.move(next, kept, ATOMIC_MOVE);
    force(kept.getParent());
  }

  /** Names that came and went in a directory are on stable storage. */
  private static void force(Path directory) throws IOException {
    try (FileChannel names = FileChannel.open(directory, READ)) {
      names.force(true);
    }
  }
}
