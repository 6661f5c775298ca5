// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.shell.internal.complete.DeviceCompleter;
import org.blksnap.shell.internal.complete.PathCompleter;
import org.blksnap.shell.internal.lookup.Engines;
import org.blksnap.shell.internal.lookup.Locator;
import org.blksnap.shell.internal.show.Quantity;
import org.blksnap.shell.internal.show.SnapshotRow;
import org.blksnap.shell.internal.show.TakenRow;

/** {@code blksnap:snapshot}: all steps in one; whatever fails, nothing stays behind. */
@Service
@Command(
    scope = "blksnap",
    name = "snapshot",
    description = "Creates a snapshot, adds devices, gives it storage and takes it")
public final class SnapshotCommand extends PrintingCommand {
  @Argument(
      name = "device",
      description = "Name, path or major:minor",
      required = true,
      multiValued = true)
  @Completion(DeviceCompleter.class)
  List<String> devices;

  @Option(
      name = "--directory",
      description = "Where the storage grows; under the state directory otherwise")
  @Completion(PathCompleter.class)
  String directory;

  @Option(
      name = "--limit",
      description = "How far it may grow; the devices' size, at most half the free space otherwise")
  String limit;

  @Option(name = "--storage", description = "File or block device to give instead")
  @Completion(PathCompleter.class)
  String storage;

  @Option(name = "--memory", description = "Memory to give instead, for instance 64M")
  String memory;

  @Option(name = "--label", description = "A word for people: what it is for")
  String label;

  @Override
  void run(PrintStream out) throws IOException {
    List<Locator.Found<AttachedDevice>> found = new ArrayList<>();
    for (String device : devices) {
      found.add(locator().device(device));
    }
    Engines.Engine engine = found.get(0).engine();
    for (Locator.Found<AttachedDevice> device : found) {
      if (!device.engine().name().equals(engine.name())) {
        throw new BlksnapException(
            Errno.EINVAL,
            "devices "
                + devices
                + " refused: they belong to several engines; allowed is one engine a snapshot");
      }
    }
    SnapshotRequest request =
        SnapshotRequest.of(found.stream().map(device -> device.what().name()).toList()).on(place());
    SnapshotLease lease = engine.service().take(label == null ? request : labelled(request, label));
    lease.keep();
    printOne(
        out,
        TakenRow.LISTING,
        TakenRow.of(
            engines,
            SnapshotRow.of(new Locator.Found<>(engine, lease.snapshot())),
            lease.result()));
  }

  /** EINVAL with the reason where the text cannot be a label. */
  static SnapshotRequest labelled(SnapshotRequest request, String label) throws BlksnapException {
    try {
      return request.labelled(label);
    } catch (IllegalArgumentException e) {
      throw new BlksnapException(Errno.EINVAL, e.getMessage(), e);
    }
  }

  private StorageGrant place() throws BlksnapException {
    List<String> places = new ArrayList<>();
    if (directory != null) {
      places.add("--directory");
    }
    if (storage != null) {
      places.add("--storage");
    }
    if (memory != null) {
      places.add("--memory");
    }
    if (places.size() > 1 || (limit != null && (storage != null || memory != null))) {
      throw new BlksnapException(
          Errno.EINVAL,
          "storage "
              + places
              + (limit != null ? " with --limit" : "")
              + " refused: allowed is one of --directory, --storage and --memory; --limit goes with"
              + " a directory");
    }
    if (storage != null) {
      return StorageGrant.all(Path.of(storage));
    }
    if (memory != null) {
      return StorageGrant.memory(Quantity.bytesAboveZero("--memory", memory));
    }
    long most = limit == null ? 0 : Quantity.bytesAboveZero("--limit", limit);
    return directory == null
        ? StorageGrant.byDefault(most)
        : StorageGrant.directory(Path.of(directory), most);
  }
}
