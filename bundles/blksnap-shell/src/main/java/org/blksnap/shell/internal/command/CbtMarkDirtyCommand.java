// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.block.ByteRange;
import org.blksnap.shell.internal.complete.DeviceCompleter;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.show.Quantity;

/** {@code blksnap:cbt-mark-dirty}. */
@Service
@Command(
    scope = "blksnap",
    name = "cbt-mark-dirty",
    description = "Marks ranges of a device as changed, so that the next backup reads them")
public final class CbtMarkDirtyCommand extends BlksnapCommand {
  @Argument(name = "device", description = "Name, path or major:minor", required = true)
  @Completion(DeviceCompleter.class)
  String device;

  @Argument(
      index = 1,
      name = "range",
      description = "offset:length, for instance 0:64K or 2048s:8s",
      required = true,
      multiValued = true)
  @Completion(OptionCompleter.class)
  List<String> ranges;

  @Override
  void run(PrintStream out) throws IOException {
    List<ByteRange> marked = Quantity.ranges(ranges);
    locator().device(device).what().changes().markDirty(marked);
    out.println("marked " + marked.size() + " of " + marked.size() + " ranges");
  }
}
