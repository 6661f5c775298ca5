// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a directory is the one in which state was kept. An empty mount point looks like a new
 * directory: to begin anew there would forget every device, and all of them would be in use without
 * their filters. So the directory bears an id, and what was used last is remembered elsewhere.
 *
 * <pre>
 * found                         remembered            verdict
 * nothing, the default place    anything              made, with a warning where it was used before
 * nothing, a configured place   anything              ENOENT: it is never made here
 * an id                         the same, or          good
 *                               another place
 * an id                         this place, other id  ESTALE
 * no id                         this place            ESTALE
 * no id                         another place         good, gets an id: new, or of an older version
 * </pre>
 */
public final class StateRoot {
  /** In the state directory. */
  public static final String ID_FILE = "state.id";

  private static final Logger LOG = LoggerFactory.getLogger(StateRoot.class);
  private static final String ID_KIND = "state";
  private static final String MEMORY_KIND = "state-place";
  private static final String ID = "id";
  private static final String PATH = "path";

  private final Path root;
  private final boolean byDefault;
  private final Path memory;

  /**
   * {@code memory} is the file that remembers what was used last; null where there is no place for
   * one, and nothing is remembered then.
   */
  public StateRoot(Path root, boolean byDefault, Path memory) {
    this.root = root;
    this.byDefault = byDefault;
    this.memory = memory;
  }

  public Path root() {
    return root;
  }

  /** Good, and remembered, when it returns; answers the id. ENOENT, ESTALE, EACCES. */
  public UUID check() throws BlksnapException {
    try {
      Map<String, String> last = remembered();
      boolean usedLast = root.toString().equals(last.get(PATH));
      if (!Files.isDirectory(root)) {
        make(usedLast);
        usedLast = false;
      }
      UUID id = idOf(root);
      if (usedLast && (id == null || !id.toString().equals(last.get(ID)))) {
        throw new BlksnapException(
            Errno.ESTALE,
            "state directory "
                + root
                + " is not the one that was used last: "
                + (id == null ? "it has no " + ID_FILE : "its id is " + id)
                + ", expected is id "
                + last.get(ID)
                + "; mount its file system, or, to go on with what is there now, remove "
                + memory);
      }
      if (id == null) {
        id = UUID.randomUUID();
        RecordFile.write(root.resolve(ID_FILE), ID_KIND, Map.of(ID, id.toString()));
      }
      remember(id, last);
      return id;
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new BlksnapException(
          Errno.EACCES, "state directory " + root + " cannot be used: " + e, e);
    }
  }

  /** As {@link #check}, of a directory that is in use; where it is not good it is let go of. */
  public static UUID checkLocked(StateDirectory state) throws BlksnapException {
    try {
      return new StateRoot(state.root(), true, null).check();
    } catch (BlksnapException e) {
      try {
        state.close();
      } catch (IOException failure) {
        e.addSuppressed(failure);
      }
      throw e;
    }
  }

  private void make(boolean usedLast) throws IOException {
    if (!byDefault) {
      throw new BlksnapException(
          Errno.ENOENT,
          "state directory "
              + root
              + " is not there; mount its file system, or, to begin anew, make it: mkdir -m 700 "
              + root);
    }
    if (usedLast) {
      LOG.warn("state directory {} was removed; all change maps begin anew", root);
    }
    Files.createDirectories(
        root, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  /** Null where it bears none. EFAULT where it cannot be read. */
  public static UUID idOf(Path root) throws IOException {
    Path file = root.resolve(ID_FILE);
    if (!Files.exists(file)) {
      return null;
    }
    return UUID.fromString(String.valueOf(RecordFile.read(file, ID_KIND).get(ID)));
  }

  private Map<String, String> remembered() {
    if (memory == null || !Files.exists(memory)) {
      return Map.of();
    }
    try {
      return RecordFile.read(memory, MEMORY_KIND);
    } catch (IOException e) {
      LOG.warn("which state directory was used last is not known: {}", e.toString());
      return Map.of();
    }
  }

  private void remember(UUID id, Map<String, String> last) throws IOException {
    Map<String, String> now = Map.of(PATH, root.toString(), ID, id.toString());
    if (memory != null && !now.equals(last)) {
      RecordFile.write(memory, MEMORY_KIND, now);
    }
  }
}
