// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * A directory in memory (tmpfs) of our own: mode 0700, ours, no link. What stands there is a kill's
 * to keep and a loss of power's to take.
 */
public final class HotBase {
  /** As {@code hot_state_directory}: hot state stays in the state directory. */
  public static final String NONE = "none";

  private static final Set<String> IN_MEMORY = Set.of("tmpfs", "ramfs");
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  private HotBase() {}

  /**
   * The configured one; else the first that can be had of {@code /run/blksnap}, {@code
   * $XDG_RUNTIME_DIR/blksnap}, where that variable names a directory of our own, and {@code
   * /dev/shm/blksnap-<uid>}. ENODEV: none, with why.
   */
  static Path find(String configured) throws BlksnapException {
    List<Path> candidates = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    if (!configured.isEmpty()) {
      candidates.add(Path.of(configured).toAbsolutePath().normalize());
    } else {
      candidates.addAll(candidates(System.getenv("XDG_RUNTIME_DIR"), reasons));
    }
    for (Path candidate : candidates) {
      try {
        makePrivate(candidate, configured.isEmpty());
        return candidate;
      } catch (IOException e) {
        reasons.add(candidate + ": " + e.getMessage());
      }
    }
    throw new BlksnapException(Errno.ENODEV, String.join("; ", reasons));
  }

  /**
   * Where to look when nothing is configured. A runtime directory of somebody else's is left out,
   * as its owner could remove ours or put another in its place: after {@code su} the variable still
   * names the caller's.
   */
  static List<Path> candidates(String runtime, List<String> reasons) throws BlksnapException {
    List<Path> candidates = new ArrayList<>();
    candidates.add(Path.of("/run/blksnap"));
    if (runtime != null && runtime.startsWith("/")) {
      try {
        Object owner = Files.getAttribute(Path.of(runtime), "unix:uid");
        if (ownUser().equals(owner)) {
          candidates.add(Path.of(runtime, "blksnap"));
        } else {
          reasons.add(runtime + ": it belongs to user " + owner);
        }
      } catch (IOException e) {
        reasons.add(runtime + ": " + e);
      }
    }
    candidates.add(Path.of("/dev/shm/blksnap-" + ownUser()));
    return candidates;
  }

  private static void makePrivate(Path base, boolean inMemoryOnly) throws IOException {
    Path parent = base.getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw new IOException(parent + " is not there");
    }
    Path looked = Files.isDirectory(base) ? base : parent;
    String type = Files.getFileStore(looked).type();
    if (inMemoryOnly && !IN_MEMORY.contains(type)) {
      throw new IOException("it is on " + type + ", not in memory");
    }
    if (!Files.exists(base, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectory(base, PosixFilePermissions.asFileAttribute(PRIVATE));
    }
    if (!Files.isDirectory(base, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException("it is no directory");
    }
    if (!ownUser().equals(userOf(base))) {
      throw new IOException("it belongs to user " + userOf(base));
    }
    if (!Files.getPosixFilePermissions(base, LinkOption.NOFOLLOW_LINKS).equals(PRIVATE)) {
      throw new IOException("its mode is not 0700");
    }
  }

  private static Object userOf(Path path) throws IOException {
    return Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
  }

  private static Object ownUser() throws BlksnapException {
    try {
      return Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    } catch (IOException e) {
      throw new BlksnapException(Errno.EIO, "who we are is not known: " + e, e);
    }
  }
}
