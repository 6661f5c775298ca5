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
import org.blksnap.shell.internal.complete.DeviceCompleter;
import org.blksnap.shell.internal.complete.PathCompleter;
import org.blksnap.shell.internal.show.Quantity;
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

  @Override
  void run(PrintStream out) throws IOException {
    WholeSnapshot whole = new WholeSnapshot(engines.stateDirectory());
    if (storage != null) {
      whole.onPath(Path.of(storage));
    }
    if (memory != null) {
      whole.inMemory(Quantity.bytesAboveZero("--memory", memory));
    }
    if (directory != null) {
      whole.inDirectory(Path.of(directory));
    }
    if (limit != null) {
      whole.upTo(Quantity.bytesAboveZero("--limit", limit));
    }
    printOne(out, TakenRow.LISTING, whole.take(locator(), devices));
  }
}
