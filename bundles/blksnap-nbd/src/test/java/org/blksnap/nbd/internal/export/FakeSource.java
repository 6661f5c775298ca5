// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.export.ExportSource;

/** A source of one device, which counts what is opened and comes back. */
public final class FakeSource implements ExportSource {
  private final String name;
  public final FakeDevice device;
  public final AtomicInteger opened = new AtomicInteger();
  public final AtomicInteger released = new AtomicInteger();

  /** Thrown by an opening, where there is one. */
  public volatile Throwable failure;

  /** An opening waits for it, where there is one; so many do now. */
  public volatile CountDownLatch held;

  public final AtomicInteger waiting = new AtomicInteger();

  public FakeSource(String name, FakeDevice device) {
    this.name = name;
    this.device = device;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String description() {
    return "what was kept of " + name;
  }

  @Override
  public BlockDevice open() throws IOException {
    CountDownLatch latch = held;
    if (latch != null) {
      waiting.incrementAndGet();
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
    if (failure instanceof IOException e) {
      throw e;
    }
    if (failure instanceof RuntimeException e) {
      throw e;
    }
    if (failure instanceof Error e) {
      throw e;
    }
    opened.incrementAndGet();
    return device;
  }

  @Override
  public void release(BlockDevice back) {
    if (back != device) {
      throw new AssertionError("not mine: " + back);
    }
    released.incrementAndGet();
  }

  /** All that was opened has come back, and nothing twice. */
  public boolean settled() {
    return opened.get() == released.get();
  }
}
