// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.memory;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.blksnap.spi.module.ModuleEvent;

/** A snapshot in the kernel. Guarded by the monitor of the {@link MemoryKernel}. */
final class MemorySnapshot {
  final UUID id = UUID.randomUUID();
  final List<MemoryDisk> members = new ArrayList<>();
  final Deque<ModuleEvent> events = new ArrayDeque<>();
  final MemorySpace space;
  private final Object monitor;
  boolean taken;
  boolean destroyed;

  MemorySnapshot(Object monitor, LongSupplier portion) {
    this.monitor = monitor;
    this.space =
        new MemorySpace(
            portion, bytes -> post(new ModuleEvent.LowFreeSpace(System.nanoTime(), bytes)));
    space.askFirst();
  }

  void post(ModuleEvent event) {
    synchronized (monitor) {
      events.add(event);
      monitor.notifyAll();
    }
  }

  void end() {
    destroyed = true;
    for (MemoryDisk disk : members) {
      disk.member = null;
      disk.image = null;
    }
    synchronized (monitor) {
      monitor.notifyAll();
    }
  }
}
