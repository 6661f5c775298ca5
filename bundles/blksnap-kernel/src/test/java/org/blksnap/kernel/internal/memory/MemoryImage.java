// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.memory;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.module.ModuleEvent;

/** An image: chunks copied before they are overwritten, each stored in a place of its own. */
final class MemoryImage {
  static final int CHUNK = 256 << 10;

  private static final AtomicLong IMAGES = new AtomicLong();

  final long sequence = IMAGES.incrementAndGet();
  final MemoryDisk disk;
  final MemorySnapshot snapshot;
  final String name;
  final int capacity;
  private final Map<Integer, byte[]> saved = new HashMap<>();
  Errno error = Errno.OK;

  MemoryImage(MemoryDisk disk, MemorySnapshot snapshot) {
    this.disk = disk;
    this.snapshot = snapshot;
    this.name = "blksnap-image_" + disk.number();
    this.capacity = disk.content.length;
  }

  void preserve(long offset, long length) {
    int last = (int) ((offset + length - 1) / CHUNK);
    for (int chunk = (int) (offset / CHUNK); chunk <= last && error == Errno.OK; chunk++) {
      save(chunk);
    }
  }

  private void save(int chunk) {
    if (saved.containsKey(chunk)) {
      return;
    }
    if (!snapshot.space.allocate(CHUNK)) {
      corrupt(Errno.ENOSPC);
      return;
    }
    int from = chunk * CHUNK;
    saved.put(chunk, disk.read(from, Math.min(CHUNK, capacity - from)));
  }

  void corrupt(Errno first) {
    if (error == Errno.OK) {
      error = first;
      snapshot.post(
          new ModuleEvent.Corrupted(
              System.nanoTime(), disk.major, disk.minor, first, first.code()));
    }
  }

  private void checkSound() throws BlksnapException {
    if (error != Errno.OK) {
      throw new BlksnapException(Errno.EIO, "read of " + name + " failed");
    }
  }

  byte[] read(long offset, int length) throws BlksnapException {
    checkSound();
    byte[] bytes = new byte[length];
    for (int done = 0; done < length; ) {
      int at = (int) offset + done;
      int inChunk = at % CHUNK;
      int piece = Math.min(length - done, CHUNK - inChunk);
      byte[] chunk = saved.get(at / CHUNK);
      if (chunk == null) {
        System.arraycopy(disk.content, at, bytes, done, piece);
      } else {
        System.arraycopy(chunk, inChunk, bytes, done, piece);
      }
      done += piece;
    }
    return bytes;
  }

  /** What is written to an image is marked in both maps. */
  void write(long offset, byte[] bytes) throws BlksnapException {
    checkSound();
    disk.map.markBoth(offset, bytes.length);
    preserve(offset, bytes.length);
    checkSound();
    for (int done = 0; done < bytes.length; done++) {
      int at = (int) offset + done;
      saved.get(at / CHUNK)[at % CHUNK] = bytes[done];
    }
  }
}
