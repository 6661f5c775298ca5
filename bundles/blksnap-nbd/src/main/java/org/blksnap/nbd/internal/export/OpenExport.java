// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.FollowingDevice;
import org.blksnap.api.export.ExportKind;

/**
 * What one connection has open. Devices and images are the engine's, and nothing is held of them;
 * of a source there is at most one device, which goes back once: at the end of the connection, when
 * the client turns to another export, or when another device takes its place.
 *
 * <p>A device that answers that it is gone is looked for again by name, kind and identity, as long
 * as {@link Exports} waits ({@link FollowingDevice}). Without a successor the request fails with
 * ESHUTDOWN.
 *
 * <p>The lock guards what is held, and is never held while a source is called: what was opened
 * while the connection ended goes back at once.
 */
public final class OpenExport implements AutoCloseable {
  private final Exports exports;

  /** The source's device and whose it is; null for none. */
  @GuardedBy("this")
  private SourceDevice held;

  @GuardedBy("this")
  private Source heldOf;

  @GuardedBy("this")
  private boolean closed;

  public OpenExport(Exports exports) {
    this.exports = exports;
  }

  /** The export with its device: opened, where it is a source's and not open here already. */
  public Target open(Target found) throws BlksnapException {
    if (found.source() == null) {
      letGo();
      return found;
    }
    SourceDevice present = present(found.source());
    if (present != null) {
      return found.on(present);
    }
    letGo();
    return found.on(opened(found.source()));
  }

  private synchronized SourceDevice present(Source source) {
    return heldOf == source ? held : null;
  }

  private SourceDevice opened(Source source) throws BlksnapException {
    SourceDevice device = exports.sources().open(source);
    synchronized (this) {
      if (!closed) {
        held = device;
        heldOf = source;
        return device;
      }
    }
    device.close();
    throw gone(ExportKind.SOURCE, source.name());
  }

  /** What a predecessor had open, known by its words alone; waits for it. */
  public Optional<Target> again(ExportKind kind, String name, String identity) throws IOException {
    if (kind != ExportKind.SOURCE) {
      return exports.again(kind, name, identity);
    }
    Optional<Source> next = exports.sources().again(name, null);
    return next.isEmpty() ? Optional.empty() : Optional.of(successor(next.get(), name, identity));
  }

  /** Another size is another thing. */
  private Target successor(Source next, String name, String identity) throws IOException {
    Target target = Target.of(next).on(opened(next));
    if (!target.identity().equals(identity)) {
      letGo();
      throw new BlksnapException(
          Errno.ESHUTDOWN,
          "source "
              + name
              + " had "
              + identity
              + " bytes and has "
              + target.identity()
              + " now, so it is another thing; connect again");
    }
    return target;
  }

  /** The device of an open export, followed over updates of who gives it. */
  public BlockDevice follow(Target target) {
    return new FollowingDevice(target.device(), gone -> Optional.of(after(target, gone)));
  }

  private BlockDevice after(Target target, BlockDevice gone) throws IOException {
    if (target.kind() != ExportKind.SOURCE) {
      return exports
          .again(target, gone)
          .map(Target::device)
          .orElseThrow(() -> gone(target.kind(), target.name()));
    }
    Source old;
    synchronized (this) {
      old = heldOf;
    }
    Source next =
        exports
            .sources()
            .again(target.name(), old)
            .orElseThrow(() -> gone(target.kind(), target.name()));
    retire();
    return successor(next, target.name(), target.identity()).device();
  }

  private static BlksnapException gone(ExportKind kind, String name) {
    return new BlksnapException(
        Errno.ESHUTDOWN, Target.word(kind) + " " + name + " is no longer there");
  }

  /**
   * Lets go of a source's device for another one to go on: what was written is flushed before.
   * Fails where that fails; then it is not let go, and answers no more.
   */
  public void retire() throws IOException {
    SourceDevice old;
    synchronized (this) {
      old = held;
    }
    if (old != null) {
      old.retire(exports.patienceUnderWay());
      letGo();
    }
  }

  private void letGo() {
    SourceDevice old;
    synchronized (this) {
      old = held;
      held = null;
      heldOf = null;
    }
    if (old != null) {
      old.close();
    }
  }

  /** The connection ends. Idempotent; requests under way end by themselves. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    letGo();
  }
}
