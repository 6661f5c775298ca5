// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AttachOrGetTest {
  @TempDir Path directory;

  private record Device(Path path, int major, int minor) {
    Geometry geometry() {
      return new Geometry(512, 512, 512, 512, false, false);
    }

    String name() {
      return "disk";
    }
  }

  private static AttachedDevice device(Path path, int major, int minor) {
    return Doubles.of(AttachedDevice.class, new Device(path, major, minor));
  }

  /** Has one device attached, or, after so many refusals, none any more. */
  private static final class Attached {
    final AttachedDevice device;
    final AttachedDevice fresh = device(Path.of("/fresh"), 0, 1);
    int refusals;

    Attached(AttachedDevice device, int refusals) {
      this.device = device;
      this.refusals = refusals;
    }

    AttachedDevice attach(AttachRequest request) throws BlksnapException {
      if (refusals-- > 0) {
        throw new BlksnapException(Errno.EALREADY, "attached already");
      }
      return fresh;
    }

    List<AttachedDevice> devices() {
      return device == null ? List.of() : List.of(device);
    }

    SnapshotService asEngine() {
      return Doubles.of(SnapshotService.class, this);
    }
  }

  @Test
  void aLinkToTheFileWillDo() throws Exception {
    Path file = Files.write(directory.resolve("file"), new byte[512]);
    Path link = Files.createSymbolicLink(directory.resolve("link"), file);
    Path hard = Files.createLink(directory.resolve("hard"), file);
    AttachedDevice device = device(file, 0, 1);
    for (Path path : List.of(file, link, hard, directory.resolve("./x/../file"))) {
      Files.createDirectories(directory.resolve("x"));
      assertSame(
          device,
          new Attached(device, 1).asEngine().attachOrGet(AttachRequest.of(path)),
          path.toString());
    }
  }

  /** The null device stands for any other: what counts is its number, 1:3. */
  @Test
  void anotherNodeOfTheSameNumberWillDo() throws Exception {
    AttachedDevice device = device(Path.of("/dev/no-such-node"), 1, 3);
    assertSame(
        device,
        new Attached(device, 1).asEngine().attachOrGet(AttachRequest.of(Path.of("/dev/null"))));
    AttachedDevice other = device(Path.of("/dev/no-such-node"), 1, 5);
    assertEquals(
        Errno.EALREADY,
        assertThrows(
                BlksnapException.class,
                () ->
                    new Attached(other, 9)
                        .asEngine()
                        .attachOrGet(AttachRequest.of(Path.of("/dev/null"))))
            .errno());
  }

  @Test
  void oneThatWasDetachedMeanwhileIsAttached() throws Exception {
    Attached attached = new Attached(null, 1);
    assertSame(
        attached.fresh, attached.asEngine().attachOrGet(AttachRequest.of(Path.of("/fresh"))));
  }

  @Test
  void oneThatCannotBeAnsweredIsRefused() {
    Attached attached = new Attached(null, Integer.MAX_VALUE);
    assertEquals(
        Errno.EALREADY,
        assertThrows(
                BlksnapException.class,
                () -> attached.asEngine().attachOrGet(AttachRequest.of(Path.of("/x"))))
            .errno());
  }
}
