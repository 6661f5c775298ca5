// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.SnapshotService;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Properties: {@code seed}; {@code calls}, 100,000 by default. */
class CallFuzzTest {
  private static final long SEED = Long.getLong("seed", System.nanoTime());
  private static final long CALLS = Long.getLong("calls", 100_000);

  private static Target file(Path path) throws IOException {
    return Target.file(
        ((Number) Files.getAttribute(path, "unix:dev")).longValue(),
        ((Number) Files.getAttribute(path, "unix:ino")).longValue(),
        path.toString());
  }

  private static CallFuzz.Subject model(ModelEngine engine, Path disk) throws IOException {
    List<Target> targets =
        List.of(
            Target.CONTROL,
            Target.CONTROL,
            Target.CONTROL,
            Program.DISK,
            Program.OTHER,
            Program.ABSENT,
            file(disk));
    return new CallFuzz.Subject() {
      @Override
      public SnapshotService engine() {
        if (engine.subscriptions != 0) {
          throw new AssertionError("a subscription was left open");
        }
        return engine.service();
      }

      @Override
      public Object state() {
        return engine.state();
      }

      @Override
      public List<Target> targets() {
        return targets;
      }

      @Override
      public List<String> paths() {
        return List.of(disk.toString(), disk + "-", "/");
      }

      @Override
      public long storageSize() {
        return 3L * ModelEngine.BLOCK;
      }
    };
  }

  @Test
  void everyCallIsAnsweredAndNoRefusedOneChangesAnything(@TempDir Path directory)
      throws IOException {
    ModelEngine engine = new ModelEngine();
    engine.blockDevice(8, 16, 10L * ModelEngine.BLOCK);
    engine.blockDevice(8, 32, 3L * ModelEngine.BLOCK);
    Path disk = Files.write(directory.resolve("disk"), new byte[4096]);
    CallFuzz fuzz = new CallFuzz(SEED, model(engine, disk));
    System.out.println("seed " + SEED + ", calls " + CALLS);
    for (long call = 0; call < CALLS; call++) {
      try {
        fuzz.call();
      } catch (AssertionError e) {
        throw new AssertionError("seed " + SEED + ", call " + call, e);
      }
    }
    for (Errno errno :
        List.of(
            Errno.OK,
            Errno.ENOENT,
            Errno.ESRCH,
            Errno.EINTR,
            Errno.EFAULT,
            Errno.EBUSY,
            Errno.ENODEV,
            Errno.EINVAL,
            Errno.ENOTTY,
            Errno.ENODATA,
            Errno.ESHUTDOWN,
            Errno.EALREADY)) {
      assertTrue(CALLS < 50_000 || fuzz.answers()[errno.code()] > 0, "never answered " + errno);
    }
    assertTrue(fuzz.answers()[Errno.EIO.code()] == 0, "a call failed within: see the log");
  }
}
