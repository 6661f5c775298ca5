// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InstanceTest {
  @TempDir Path state;

  @Test
  void itStaysTheSame() throws Exception {
    UUID first = Instance.of(state);
    assertEquals(first, Instance.of(state));
    assertNotEquals(first, Instance.of(Files.createDirectory(state.resolve("another"))));
  }

  @Test
  void whatIsDamagedIsNotReplaced() throws Exception {
    Path file = Files.createDirectories(state.resolve("nodes")).resolve("instance");
    Files.writeString(file, "not an id");
    BlksnapException refused = assertThrows(BlksnapException.class, () -> Instance.of(state));
    assertEquals(Errno.EIO, refused.errno());
    assertEquals("not an id", Files.readString(file));
  }

  @Test
  void ofSeveralAtOnceOneWins() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      Set<UUID> seen = new HashSet<>();
      Callable<UUID> ask = () -> Instance.of(state);
      for (Future<UUID> each :
          threads.invokeAll(IntStream.range(0, 32).mapToObj(i -> ask).toList())) {
        seen.add(each.get());
      }
      assertEquals(1, seen.size());
      try (var files = Files.list(state.resolve("nodes"))) {
        assertEquals(1, files.count());
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
