// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase.record;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where everything that outlives the process lies.
 *
 * <pre>
 * lock                            held while an engine works here
 * devices/&lt;name&gt;/device.record    how it was attached
 * devices/&lt;name&gt;/cbt.map          its change map
 * snapshots/&lt;uuid&gt;/snapshot.record
 * snapshots/&lt;uuid&gt;/storage.state  the storage provider's own
 * snapshots/&lt;uuid&gt;/area-&lt;device&gt;/ the chunk engine's own
 * </pre>
 */
public final class StateDirectory implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(StateDirectory.class);

  private final Path root;
  private final FileChannel lockChannel;

  private StateDirectory(Path root, FileChannel lockChannel) {
    this.root = root;
    this.lockChannel = lockChannel;
  }

  /**
   * Of locks that another engine of this process holds, by directory: who closes any channel of the
   * file drops the lock of them all. Used again at the next try.
   */
  private static final Map<Path, FileChannel> REFUSED = new ConcurrentHashMap<>();

  /** EBUSY: another engine works on it. */
  public static StateDirectory open(Path root) throws BlksnapException {
    try {
      Files.createDirectories(root);
      Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
      Files.createDirectories(root.resolve("devices"));
      Files.createDirectories(root.resolve("snapshots"));
      FileChannel kept = REFUSED.remove(root);
      FileChannel channel =
          kept != null
              ? kept
              : FileChannel.open(
                  root.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (!lock(root, channel)) {
        throw new BlksnapException(
            Errno.EBUSY,
            "state directory "
                + root
                + " is in use by another instance; stop that one, or give this one a directory of"
                + " its own (blksnap.state.directory)");
      }
      return new StateDirectory(root, channel);
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EACCES, "state directory " + root + " cannot be used: " + e, e);
    }
  }

  private static boolean lock(Path root, FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      if (lock == null) {
        channel.close();
      }
      return lock != null;
    } catch (OverlappingFileLockException e) {
      REFUSED.put(root, channel);
      return false;
    }
  }

  public Path root() {
    return root;
  }

  public Path device(String name) {
    return root.resolve("devices").resolve(name);
  }

  public Path snapshot(UUID id) {
    return root.resolve("snapshots").resolve(id.toString());
  }

  public List<Path> devices() throws IOException {
    return children(root.resolve("devices"));
  }

  public List<Path> snapshots() throws IOException {
    return children(root.resolve("snapshots"));
  }

  private static List<Path> children(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.filter(Files::isDirectory).sorted().toList();
    }
  }

  public static void removeTree(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, IOException failure)
              throws IOException {
            Files.deleteIfExists(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  @Override
  public void close() throws IOException {
    lockChannel.close();
  }

  /** Everything in the directory is on disk when it returns. */
  public static void forceFiles(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.force(true);
        }
      }
    }
  }

  public static void removeQuietly(Path directory) {
    try {
      removeTree(directory);
    } catch (IOException e) {
      LOG.warn("{} was not removed: {}", directory, e.toString());
    }
  }
}
