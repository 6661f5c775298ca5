// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.complete.PathCompleter;
import org.blksnap.shell.internal.complete.SnapshotCompleter;
import org.blksnap.shell.internal.show.Quantity;

/** {@code blksnap:snapshot-append-storage}. */
@Service
@Command(
    scope = "blksnap",
    name = "snapshot-append-storage",
    description = "Gives a snapshot room: ranges of a file or block device, a directory, or memory")
public final class SnapshotAppendStorageCommand extends BlksnapCommand {
  @Argument(name = "snapshot", description = "Id, or its beginning", required = true)
  @Completion(SnapshotCompleter.class)
  String snapshot;

  @Argument(index = 1, name = "path", description = "File or block device")
  @Completion(PathCompleter.class)
  String path;

  @Argument(
      index = 2,
      name = "range",
      description = "offset:length; all of it without one",
      multiValued = true)
  @Completion(OptionCompleter.class)
  List<String> ranges;

  @Option(
      name = "--directory",
      description = "Directory in which the storage grows; under the state directory otherwise")
  @Completion(PathCompleter.class)
  String directory;

  @Option(name = "--limit", description = "How far it may grow in the directory, for instance 10G")
  String limit;

  @Option(name = "--memory", description = "Give this much memory, for instance 64M")
  String memory;

  @Override
  void run(PrintStream out) throws IOException {
    int places = (path == null ? 0 : 1) + (directory == null ? 0 : 1) + (memory == null ? 0 : 1);
    boolean grows = path == null && memory == null;
    if (places > 1 || grows != (limit != null)) {
      throw new BlksnapException(
          Errno.EINVAL,
          "storage refused: allowed is exactly one of a path with ranges, --limit with or without"
              + " --directory, and --memory; for instance --limit 10G");
    }
    long most = grows ? Quantity.bytesAboveZero("--limit", limit) : 0;
    Snapshot found = locator().snapshot(snapshot).what();
    if (path != null) {
      found.appendStorage(Path.of(path), Quantity.ranges(ranges));
    } else if (grows) {
      found.give(
          directory == null
              ? StorageGrant.byDefault(most)
              : StorageGrant.directory(Path.of(directory), most));
    } else {
      found.appendStorageMemory(Quantity.bytesAboveZero("--memory", memory));
    }
    StorageStatus storage = found.storage();
    out.println(
        "storage "
            + Quantity.text(storage.capacityBytes())
            + (storage.limitBytes() == 0
                ? ""
                : ", may grow to " + Quantity.text(storage.limitBytes())));
  }
}
