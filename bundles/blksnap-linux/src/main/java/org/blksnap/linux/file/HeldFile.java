// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;

/**
 * Keeps a file or block device from its opening to its end: one descriptor of its own, by which
 * locks may be held, and a name by which the very same file is opened again, whatever became of its
 * path.
 *
 * <p>The descriptor is the system's and belongs to no channel, so neither an interrupt nor the swap
 * of the bundle that opened it drops a lock. Without a host there is none: then the file is opened
 * again by path, and compared with what the path led to at first.
 *
 * <p>Immutable but for the descriptor's end. Any thread.
 */
public final class HeldFile implements AutoCloseable {
  private static final Set<OpenOption> READ_ONLY = Set.of(StandardOpenOption.READ);
  private static final Set<OpenOption> READ_WRITE =
      Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE);

  private final Path path;
  private final FileIdentity identity;
  private final HostFile file;
  private final String whenAnother;

  /**
   * {@code file} may be null; else it is closed with this, or where this fails: ESTALE where it is
   * not what {@code identity} says. {@code whenAnother} ends the sentence that another file is
   * there now: what to do.
   */
  public HeldFile(Path path, FileIdentity identity, HostFile file, String whenAnother)
      throws IOException {
    this.path = path;
    this.identity = identity;
    this.file = file;
    this.whenAnother = whenAnother;
    try {
      current();
    } catch (IOException | RuntimeException refused) {
      close();
      throw refused;
    }
  }

  /** The descriptor; null without a host. */
  public HostFile file() {
    return file;
  }

  /** A name that leads to the file as it was at first; ESTALE where there is none any more. */
  public Path current() throws IOException {
    Path current = file == null ? path : file.descriptor();
    requireSame(current);
    return current;
  }

  /** Opens it by a channel, never another file in its place. */
  public FileChannel openChannel(boolean writable) throws IOException {
    FileChannel opened = FileChannel.open(current(), writable ? READ_WRITE : READ_ONLY);
    try {
      current(); // by path it may have been another one's turn in between
      return opened;
    } catch (IOException | RuntimeException refused) {
      try (opened) {
        throw refused;
      }
    }
  }

  /**
   * Opens it at a host once more, never another file in its place; an exclusive one by its path.
   */
  public HostFile open(HostOperations host, boolean writable, boolean exclusive)
      throws IOException {
    HostFile opened = host.open(exclusive ? path : current(), writable, exclusive);
    try {
      requireSame(opened.descriptor());
      return opened;
    } catch (IOException | RuntimeException refused) {
      opened.close();
      throw refused;
    }
  }

  /** Where the path leads now, in words; empty where it still leads here. */
  public String strayed() {
    return FileIdentity.find(path)
        .map(now -> now.equals(identity) ? "" : "another file has taken its place")
        .orElse("nothing is there any more");
  }

  private void requireSame(Path seen) throws IOException {
    if (!FileIdentity.of(seen).equals(identity)) {
      throw new BlksnapException(Errno.ESTALE, path + " is another file now" + whenAnother);
    }
  }

  @Override
  public String toString() {
    return path.toString();
  }

  @Override
  public void close() {
    if (file != null) {
      file.close();
    }
  }
}
