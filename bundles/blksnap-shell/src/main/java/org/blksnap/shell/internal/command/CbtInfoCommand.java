// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.shell.internal.complete.ImageCompleter;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.show.Listing;

/** {@code blksnap:cbt-info}. */
@Service
@Command(scope = "blksnap", name = "cbt-info", description = "State of a device's change map")
public final class CbtInfoCommand extends PrintingCommand {
  static final Listing<CbtInfo> LISTING =
      new Listing<CbtInfo>()
          .bytes("device_capacity", CbtInfo::deviceCapacity)
          .bytes("block_size", CbtInfo::blockSize)
          .number("block_count", CbtInfo::blockCount)
          .text("generation_id", CbtInfo::generationId)
          .number("changes_number", CbtInfo::changesNumber)
          .text("reason", CbtInfo::reason)
          .text("reason_text", i -> i.reason().text())
          .text("reason_detail", CbtInfo::reasonDetail)
          .text("since", CbtInfo::since);

  @Argument(
      name = "device",
      description = "Name, path or major:minor, or an image",
      required = true)
  @Completion(ImageCompleter.class)
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
    printOne(out, LISTING, locator().changes(device).info());
  }
}
