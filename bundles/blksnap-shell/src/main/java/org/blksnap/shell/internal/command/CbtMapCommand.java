// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.UUID;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Completion;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.shell.internal.complete.ImageCompleter;
import org.blksnap.shell.internal.complete.OptionCompleter;
import org.blksnap.shell.internal.show.HexDump;
import org.blksnap.shell.internal.show.Listing;
import org.blksnap.shell.internal.show.MapExtent;
import org.blksnap.shell.internal.show.Quantity;

/** {@code blksnap:cbt-map}: with {@code --json} the same as {@code nbdinfo --map --json}. */
@Service
@Command(
    scope = "blksnap",
    name = "cbt-map",
    description = "What changed on a device up to the last take, as extents over all of it")
public final class CbtMapCommand extends PrintingCommand {
  private static final Listing<MapExtent> LISTING =
      new Listing<MapExtent>()
          .number("offset", MapExtent::offset)
          .number("length", MapExtent::length)
          .number("type", MapExtent::type)
          .text("description", MapExtent::description);

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

  @Option(
      name = "--since",
      description = "Changes number of the backup in hand; one before the last take otherwise")
  Integer since;

  @Option(
      name = "--generation",
      description = "Generation of the backup in hand; the present one otherwise")
  String generation;

  @Option(name = "--raw", description = "Print the bytes of the map itself, in hexadecimal")
  boolean raw;

  @Override
  void run(PrintStream out) throws IOException {
    ChangeMap map = locator().changes(device);
    if (raw) {
      HexDump.print(map, out);
      return;
    }
    CbtInfo info = map.info();
    ChangeSet changes = changes(map, info);
    printAll(
        out,
        LISTING,
        MapExtent.covering(info.deviceCapacity(), changes.extents()),
        "the device is empty");
    if (changes.full()) {
      note(out, "everything has to be read: " + changes.fullReason());
    }
    note(
        out,
        Quantity.text(changes.bytes())
            + " dirty; keep generation "
            + changes.generationId()
            + " number "
            + changes.changesNumber());
  }

  /**
   * Without a generation the backup in hand may be of any. Where no take of the present one lies
   * before the last, it is of an earlier one, of whose changes this map knows nothing.
   */
  private ChangeSet changes(ChangeMap map, CbtInfo info) throws IOException {
    int number = since == null ? Math.max(0, info.changesNumber() - 1) : since;
    ChangeSet changes =
        map.changedSince(generation == null ? info.generationId() : id(generation), number);
    if (generation != null || number != 0 || changes.full()) {
      return changes;
    }
    return new ChangeSet(
        true,
        "number 0 is no take of generation "
            + changes.generationId()
            + ", which began because "
            + info.reason().text()
            + "; with --generation the answer is exact",
        changes.generationId(),
        changes.changesNumber(),
        changes.blockSize(),
        info.deviceCapacity() == 0 ? List.of() : List.of(new ByteRange(0, info.deviceCapacity())));
  }

  private static UUID id(String text) throws BlksnapException {
    try {
      return UUID.fromString(text);
    } catch (IllegalArgumentException e) {
      throw new BlksnapException(
          Errno.EINVAL,
          "generation " + text + " refused: not a UUID; blksnap:cbt-info shows generation_id",
          e);
    }
  }
}
