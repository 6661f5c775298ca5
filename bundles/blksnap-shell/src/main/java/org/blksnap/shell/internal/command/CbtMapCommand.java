// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
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
import org.blksnap.api.change.ChangePoint;
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
      description =
          "Changes number of the backup in hand, or its change point generation:number; one before"
              + " the last take otherwise")
  String since;

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
    List<ByteRange> extents = new ArrayList<>();
    changes.forEach(extents::add);
    printAll(
        out, LISTING, MapExtent.covering(info.deviceCapacity(), extents), "the device is empty");
    if (changes.full()) {
      note(out, "everything has to be read: " + changes.fullReason());
    }
    note(
        out,
        Quantity.text(extents.stream().mapToLong(ByteRange::length).sum())
            + " dirty; keep generation "
            + changes.point().generation()
            + " number "
            + changes.point().number());
  }

  /**
   * Without a generation the backup in hand may be of any. Where no take of the present one lies
   * before the last, it is of an earlier one, of whose changes this map knows nothing.
   */
  private ChangeSet changes(ChangeMap map, CbtInfo info) throws IOException {
    if (since != null && since.indexOf(':') >= 0) {
      return map.changedSince(whole(since));
    }
    int number = since == null ? Math.max(0, info.changesNumber() - 1) : number(since);
    ChangePoint point =
        new ChangePoint(generation == null ? info.generationId() : id(generation), number);
    ChangeSet changes = map.changedSince(point);
    if (generation != null || number != 0 || changes.full()) {
      return changes;
    }
    return ChangeSet.whole(
        info,
        point,
        "number 0 is no take of generation "
            + info.generationId()
            + ", which began because "
            + info.reason().text()
            + "; with --generation the answer is exact");
  }

  private ChangePoint whole(String text) throws BlksnapException {
    if (generation != null) {
      throw new BlksnapException(
          Errno.EINVAL,
          "--since " + text + " with --generation refused: the change point names its generation");
    }
    return ChangePoint.parse(text);
  }

  private static int number(String text) throws BlksnapException {
    try {
      int number = Integer.parseInt(text);
      if (number >= 0 && number <= ChangePoint.LARGEST_NUMBER) {
        return number;
      }
    } catch (NumberFormatException e) {
      // told below, as for a number out of range
    }
    throw new BlksnapException(
        Errno.EINVAL,
        "changes number "
            + text
            + " refused: allowed is a whole number from 0 to "
            + ChangePoint.LARGEST_NUMBER
            + ", or a change point generation:number");
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
