// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.ioctl.internal.dispatch.CallFuzz;
import org.blksnap.ioctl.internal.dispatch.Target;
import org.blksnap.testkit.engine.TestEngine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random calls of native programs against the engine itself. Properties: {@code seed}; {@code
 * calls}, 4,000 by default.
 */
class NativeCallsTest {
  private static final long SEED = Long.getLong("seed", System.nanoTime());
  private static final long CALLS = Long.getLong("calls", 4_000);
  private static final int SIZE = 4 << 20;

  private static Target target(Path file) throws IOException {
    Files.write(file, new byte[SIZE]);
    return Target.file(
        ((Number) Files.getAttribute(file, "unix:dev")).longValue(),
        ((Number) Files.getAttribute(file, "unix:ino")).longValue(),
        file.toString());
  }

  /** What calls may change, and nothing else does. */
  private static List<Object> state(SnapshotService engine) throws IOException {
    List<Object> state = new ArrayList<>();
    for (AttachedDevice device : engine.devices()) {
      ChangeMap map = device.changes();
      ByteBuffer bytes = ByteBuffer.allocate(map.info().blockCount());
      map.read(0, bytes);
      state.add(device.name());
      state.add(device.snapshot());
      state.add(map.info());
      state.add(Arrays.hashCode(bytes.array()));
    }
    for (Snapshot snapshot : engine.snapshots()) {
      state.add(snapshot.id());
      state.add(snapshot.state());
      state.add(snapshot.devices());
      state.add(snapshot.storage().capacityBytes());
    }
    return state;
  }

  @Test
  void noRefusedCallChangesTheEngine(@TempDir Path directory) throws IOException {
    System.out.println("seed " + SEED + ", calls " + CALLS);
    List<Target> targets = new ArrayList<>(List.of(Target.CONTROL, Target.CONTROL));
    for (String name : List.of("one", "two", "three")) {
      targets.add(target(directory.resolve(name)));
    }
    List<String> paths = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Path path = directory.resolve("store" + i);
      Files.write(path, new byte[SIZE]);
      paths.add(path.toString());
    }
    paths.add(directory.toString());
    paths.add(directory.resolve("one").toString());
    try (TestEngine engine = TestEngine.in(directory.resolve("engine"))) {
      CallFuzz fuzz = new CallFuzz(SEED, new Subject(engine, targets, paths));
      for (long call = 0; call < CALLS; call++) {
        try {
          fuzz.call();
        } catch (AssertionError e) {
          throw new AssertionError("seed " + SEED + ", call " + call, e);
        }
      }
      assertEquals(0, fuzz.answers()[Errno.EIO.code()], "calls that failed within: see the log");
      assertTrue(fuzz.answers()[0] > CALLS / 10, "few calls were carried out");
    }
  }

  private record Subject(TestEngine all, List<Target> targets, List<String> paths)
      implements CallFuzz.Subject {
    @Override
    public SnapshotService engine() {
      return all.service();
    }

    @Override
    public Object state() {
      try {
        return NativeCallsTest.state(all.service());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public long storageSize() {
      return SIZE;
    }
  }
}
