// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.shell.internal.complete.DeviceCompleter;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.lookup.Locator;

/** {@code blksnap:device-detach}. */
@Service
@Command(
    scope = "blksnap",
    name = "device-detach",
    description = "Takes the filter off a device and closes it")
public final class DeviceDetachCommand extends BlksnapCommand {
  @Argument(name = "device", description = "Name, path or major:minor", required = true)
  @Completion(DeviceCompleter.class)
  String device;

  @Argument(
      index = 1,
      name = TrailingOptions.ROOM,
      description = "Options may follow",
      multiValued = true)
  @Completion(OptionCompleter.class)
  List<String> options;

  @Override
  void run(PrintStream out) throws IOException {
    Locator.Found<AttachedDevice> found = locator().device(device);
    String name = found.what().name();
    found.service().detach(name);
    out.println("detached " + name);
  }
}
