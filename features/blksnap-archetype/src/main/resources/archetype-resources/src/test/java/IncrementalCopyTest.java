package ${package};

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.testkit.engine.TestEngine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IncrementalCopyTest {
  @TempDir Path directory;

  @Test
  void theFirstCopyIsOfAllAndTheNextOfWhatChanged() throws Exception {
    try (TestEngine engine = TestEngine.in(directory.resolve("engine"))) {
      AttachedDevice disk = engine.disk("disk", 8 << 20);
      Path target = directory.resolve("copy.img");
      IncrementalCopy copy = new IncrementalCopy(engine.service());
      String first = copy.copy(disk.path().toString(), target.toString());
      assertTrue(first.startsWith("all "), first);
      disk.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 1 << 20);
      String second = copy.copy(disk.path().toString(), target.toString());
      assertTrue(second.startsWith("what changed: 65536 bytes"), second);
      assertEquals(-1, Files.mismatch(disk.path(), target));
    }
  }
}
