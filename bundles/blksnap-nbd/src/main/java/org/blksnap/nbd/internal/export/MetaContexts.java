// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.nbd.internal.protocol.ContextQuery;

/**
 * The metadata contexts of one export, at the moment they are asked for.
 *
 * <ul>
 *   <li>{@code base:allocation}
 *   <li>{@code qemu:dirty-bitmap:since-<k>}: blocks changed after take number k of the present
 *       generation, for each k below the present number. There is no take number 0: who reads this
 *       one names no generation, so the backup in hand may be of an earlier one, and everything
 *       counts as changed
 *   <li>{@code qemu:dirty-bitmap:blksnap}: the last of these, what changed between the last two
 *       takes; everything, where the last take is the first one of its generation
 *   <li>{@code blksnap:changed:<generation>:<number>}: the same for a consumer that keeps its
 *       point; a point of another generation has everything changed
 * </ul>
 *
 * <p>A selected context is computed here, once, and stays as it is for the connection: it describes
 * the take that was the last one at the negotiation, which is an image's own moment.
 */
public final class MetaContexts {
  public static final int MAXIMUM_SELECTED = 16;

  /** Map bytes looked at in one piece. */
  private static final int PIECE_BYTES = 64 << 10;

  static final String ALLOCATION = "base:allocation";
  static final String BITMAP = "qemu:dirty-bitmap:";
  static final String LATEST = BITMAP + "blksnap";
  static final String SINCE = BITMAP + "since-";
  static final String CHANGED = "blksnap:changed:";

  private final ChangeMap changes;
  private final CbtInfo info;

  private MetaContexts(ChangeMap changes, CbtInfo info) {
    this.changes = changes;
    this.info = info;
  }

  /** A target without a readable change map has {@code base:allocation} alone. */
  public static MetaContexts of(Target target) throws IOException {
    ChangeMap changes = target.changes();
    try {
      return new MetaContexts(changes, changes == null ? null : changes.info());
    } catch (BlksnapException e) {
      return new MetaContexts(changes, null);
    }
  }

  /**
   * Names that match: all for no query, a namespace or a name's beginning up to a colon. They have
   * no blocks, nothing is computed.
   */
  public List<MetaContext> list(ContextQuery query) {
    List<MetaContext> found = new ArrayList<>();
    for (String name : names()) {
      boolean wanted =
          query.queries().isEmpty()
              || query.queries().stream()
                  .anyMatch(q -> q.equals(name) || (q.endsWith(":") && name.startsWith(q)));
      if (wanted) {
        found.add(MetaContext.allocation(0, name));
      }
    }
    for (String asked : query.queries()) {
      if (point(asked) != null && found.stream().noneMatch(c -> c.name().equals(asked))) {
        found.add(MetaContext.allocation(0, asked));
      }
    }
    return found;
  }

  /**
   * The contexts asked for by their exact names, computed now; unknown ones are passed over. ENOMEM
   * where {@code share} cannot grow by what they hold.
   */
  public List<MetaContext> select(ContextQuery query, ContextBudget.Share share)
      throws IOException {
    List<MetaContext> selected = new ArrayList<>();
    for (String name : new LinkedHashSet<>(query.queries())) {
      if (selected.size() > MAXIMUM_SELECTED) {
        break;
      }
      int id = selected.size() + 1;
      if (name.equals(ALLOCATION)) {
        selected.add(MetaContext.allocation(id, name));
        continue;
      }
      int since = sinceNumber(name);
      ChangePoint point =
          since >= 0
              ? new ChangePoint(info.generationId(), since)
              : info == null ? null : point(name);
      if (point != null) {
        share.grow(MetaContext.bytes(info.blockCount()));
        selected.add(
            new MetaContext(
                id, name, info.blockSize(), since == 0 ? everything() : changed(point)));
      }
    }
    return selected;
  }

  private Set<String> names() {
    Set<String> names = new LinkedHashSet<>();
    names.add(ALLOCATION);
    int number = info == null ? 0 : info.changesNumber();
    if (number > 0) {
      names.add(LATEST);
    }
    for (int k = 0; k < number; k++) {
      names.add(SINCE + k);
    }
    for (int k = 0; k < number; k++) {
      names.add(CHANGED + info.generationId() + ":" + k);
    }
    return names;
  }

  /** The k of a bitmap's name; -1 where there is no such bitmap now. */
  private int sinceNumber(String name) {
    int number = info == null ? 0 : info.changesNumber();
    if (number > 0 && name.equals(LATEST)) {
      return number - 1;
    }
    int since = name.startsWith(SINCE) ? number(name.substring(SINCE.length())) : -1;
    return since < number ? since : -1;
  }

  private ChangePoint point(String name) {
    if (info == null || !name.startsWith(CHANGED)) {
      return null;
    }
    int colon = name.lastIndexOf(':');
    int number = number(name.substring(colon + 1));
    try {
      return number < 0 || colon < CHANGED.length()
          ? null
          : new ChangePoint(UUID.fromString(name.substring(CHANGED.length(), colon)), number);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** A number from 0 to 255 in its plain spelling; -1 otherwise. */
  private static int number(String text) {
    if (text.isEmpty() || text.length() > 3 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return -1;
    }
    int number = Integer.parseInt(text);
    return number <= 255 && String.valueOf(number).equals(text) ? number : -1;
  }

  private BitSet everything() {
    BitSet all = new BitSet(info.blockCount());
    all.set(0, info.blockCount());
    return all;
  }

  /**
   * Blocks changed since the point. Takes that come between may add to them; a new generation ends
   * what the blocks mean: EAGAIN. Read in pieces, because a list of ranges may be a hundred times
   * as large.
   */
  private BitSet changed(ChangePoint point) throws IOException {
    int count = info.blockCount();
    if (!point.generation().equals(info.generationId()) || point.number() > info.changesNumber()) {
      return everything();
    }
    BitSet changed = new BitSet(count);
    ByteBuffer piece = ByteBuffer.allocate(PIECE_BYTES);
    int block = 0;
    while (block < count && changes.read(block, piece.clear()) > 0) {
      piece.flip();
      while (piece.hasRemaining() && block < count) {
        if ((piece.get() & 0xff) > point.number()) {
          changed.set(block);
        }
        block++;
      }
    }
    if (block < count || !changes.info().generationId().equals(info.generationId())) {
      throw new BlksnapException(
          Errno.EAGAIN, "a new generation began meanwhile: ask for the contexts again");
    }
    return changed;
  }
}
