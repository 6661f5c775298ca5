// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageProvider;

/** A file in the page cache as the live device, and one snapshot of it at a time. */
final class HeldDevice implements AutoCloseable {
  static final long CAPACITY = 256L << 20;

  private static final int PIECE = 1 << 20;

  private final Scratch scratch = new Scratch();
  private final ChunkEngine engine = Providers.of(ChunkEngine.class);
  private final StorageProvider storages = Providers.of(StorageProvider.class);
  private final FileChannel live;
  private Path folder;
  private DiffStorage storage;
  private DiffArea area;

  HeldDevice() throws IOException {
    live =
        FileChannel.open(
            scratch.resolve("live"),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
    for (long at = 0; at < CAPACITY; at += PIECE) {
      for (int i = 0; i < PIECE; i += Long.BYTES) {
        piece.putLong(i, at + i);
      }
      live.write(piece.clear(), at);
    }
  }

  /** Destroys the snapshot that is held, if one is, and takes another. */
  DiffArea snapshot() throws IOException {
    release();
    UUID id = UUID.randomUUID();
    folder = scratch.folder(id.toString());
    storage = Parts.storage(storages, id, folder.resolve("storage"));
    Path room = java.nio.file.Files.createDirectory(folder.resolve("room"));
    storage.appendDirectory(room, 2 * CAPACITY);
    Path chunks = java.nio.file.Files.createDirectory(folder.resolve("chunks"));
    area = Parts.area(engine, id, chunks, CAPACITY, storage, this::read);
    return area;
  }

  /** Saves all of the device. */
  void saveAll() throws IOException {
    for (long at = 0; at < CAPACITY; at += PIECE) {
      area.preserve(at, PIECE, false);
    }
    area.settle();
  }

  private void read(ByteBuffer dst, long offset) throws IOException {
    long at = offset;
    while (dst.hasRemaining()) {
      int count = live.read(dst, at);
      if (count < 0) {
        throw new EOFException("the live file ends at " + at);
      }
      at += count;
    }
  }

  private void release() throws IOException {
    if (area != null) {
      area.delete();
      storage.delete();
      Scratch.delete(folder);
      area = null;
    }
  }

  @Override
  public void close() throws IOException {
    release();
    live.close();
    scratch.close();
  }
}
