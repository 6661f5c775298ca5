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
import org.blksnap.api.export.Export;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.complete.PathCompleter;
import org.blksnap.shell.internal.lookup.Engines;
import org.blksnap.shell.internal.lookup.Locator;
import org.blksnap.shell.internal.show.Shown;

/** {@code blksnap:device-attach}. */
@Service
@Command(
    scope = "blksnap",
    name = "device-attach",
    description = "Puts the filter on a file or block device")
public final class DeviceAttachCommand extends PrintingCommand {
  @Argument(name = "path", description = "Regular file or block device", required = true)
  @Completion(PathCompleter.class)
  String path;

  @Argument(
      index = 1,
      name = TrailingOptions.ROOM,
      description = "Options may follow",
      multiValued = true)
  @Completion(OptionCompleter.class)
  List<String> options;

  @Option(name = "--name", description = "Name to give it; made from the path otherwise")
  String name;

  @Option(name = "--read-only", description = "Refuse writes with EROFS")
  boolean readOnly;

  @Option(
      name = "--force",
      description = "Attach a block device even where it is mounted or in use elsewhere")
  boolean force;

  @Option(
      name = "--durable",
      description = "Keep the map of a file at rest over a power loss, for a forced write a block")
  boolean durable;

  @Option(name = "--once", description = "Do not attach it again when the service starts")
  boolean once;

  @Override
  void run(PrintStream out) throws IOException {
    Engines.Engine chosen = engines.chosen(engine);
    AttachedDevice device =
        chosen
            .service()
            .attach(
                AttachRequest.of(Path.of(path))
                    .named(name)
                    .readOnly(readOnly)
                    .force(force)
                    .durable(durable)
                    .persistent(!once));
    printOne(out, Shown.DEVICE, new Locator.Found<>(chosen, device));
    for (Export export : engines.presentExports().map(ExportService::exports).orElse(List.of())) {
      if (export.name().equals(device.name())) {
        note(out, "served at " + export.uri());
      }
    }
  }
}
