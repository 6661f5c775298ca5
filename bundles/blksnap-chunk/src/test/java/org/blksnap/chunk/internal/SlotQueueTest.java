// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.blksnap.linux.proc.MemoryTable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SlotQueueTest {
  private static final int CHUNK = 1 << 18;
  private static final int WAITERS = 8;
  private static final long STALL = Duration.ofMinutes(5).toNanos();

  @TempDir Path directory;

  @Test
  void whoCameFirstIsServedFirstAndNoLatecomerOvertakes() throws Exception {
    ChunkGeometry geometry = new ChunkGeometry(60L * CHUNK, 18, 12);
    try (BufferSlots slots =
        BufferSlots.create(directory, geometry, new UUID(1, 2), BufferSlots.FEWEST * CHUNK)) {
      SlotQueue queue =
          new SlotQueue(slots, new StoreSignal(), () -> false, new RoomLack(), () -> {});
      List<Integer> taken = new ArrayList<>();
      for (int slot = queue.tryTake(); slot != BufferSlots.NONE; slot = queue.tryTake()) {
        taken.add(slot);
      }
      assertEquals(BufferSlots.FEWEST, taken.size());
      BlockingQueue<Integer> served = new LinkedBlockingQueue<>();
      for (int i = 0; i < WAITERS; i++) {
        int number = i;
        new Thread(
                () -> {
                  SlotQueue.Ticket ticket = new SlotQueue.Ticket();
                  queue.await(ticket, STALL);
                  served.add(number);
                })
            .start();
        Scene.await("waiter " + i, () -> queue.waiting() == number + 1);
      }
      List<Integer> order = new ArrayList<>();
      for (int i = 0; i < WAITERS; i++) {
        queue.release(taken.get(i % taken.size()));
        assertEquals(BufferSlots.NONE, queue.tryTake(), "a latecomer got the slot");
        order.add(served.poll(10, TimeUnit.SECONDS));
      }
      assertEquals(IntStream.range(0, WAITERS).boxed().toList(), order);
      Scene.await("nobody waits", () -> queue.waiting() == 0);
      queue.release(0);
      assertNotEquals(BufferSlots.NONE, queue.tryTake());
    }
  }

  @Test
  void theShareOfMemoryIsBounded() {
    assertEquals(
        BufferBudget.LEAST, BufferBudget.of(new MemoryTable("MemAvailable:    102400 kB\n")));
    assertEquals(
        64L << 20,
        BufferBudget.of(new MemoryTable("MemTotal: 9 kB\nMemAvailable:    2097152 kB\nx: 1 kB\n")));
    assertEquals(
        BufferBudget.MOST, BufferBudget.of(new MemoryTable("MemAvailable: 1073741824 kB\n")));
    assertEquals(BufferBudget.LEAST, BufferBudget.of(new MemoryTable("nothing of the kind")));
  }
}
