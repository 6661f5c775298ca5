// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.DiffAreaRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The two files of an area, mapped. Both are there or none.
 *
 * @param directory that holds them, and may hold no other area's
 * @param map the state of every chunk
 * @param slots the buffers of chunks not stored yet
 */
record AreaFiles(Path directory, ChunkMap map, BufferSlots slots) {
  private static final Logger LOG = LoggerFactory.getLogger(AreaFiles.class);
  private static final List<String> NAMES = List.of(ChunkMap.FILE, BufferSlots.FILE);

  /** EEXIST where the directory holds an area. {@code buffers}: bytes the slots may have. */
  static AreaFiles create(DiffAreaRequest request, long buffers) throws IOException {
    Path directory = request.directory();
    if (NAMES.stream().anyMatch(name -> Files.exists(directory.resolve(name)))) {
      throw new BlksnapException(
          Errno.EEXIST,
          "diff area of "
              + request.device()
              + " refused: "
              + directory
              + " holds one already; adopt it or give an empty directory");
    }
    ChunkGeometry geometry =
        ChunkGeometry.of(request.capacity(), request.rule(), request.minimumIo());
    try {
      ChunkMap map = ChunkMap.create(directory, geometry, request.snapshot());
      BufferSlots slots = BufferSlots.create(directory, geometry, request.snapshot(), buffers);
      return new AreaFiles(directory, map, slots);
    } catch (IOException | RuntimeException | Error e) {
      for (String name : NAMES) {
        Files.deleteIfExists(directory.resolve(name));
      }
      throw e;
    }
  }

  /** Those a predecessor has left. */
  static AreaFiles open(DiffAreaRequest request) throws IOException {
    Path directory = request.directory();
    ChunkMap map = ChunkMap.open(directory, request.capacity(), request.snapshot());
    return new AreaFiles(
        directory, map, BufferSlots.open(directory, map.geometry(), request.snapshot()));
  }

  void close() {
    try {
      slots.close();
    } catch (IOException e) {
      LOG.debug("closing {}: {}", BufferSlots.FILE, e.toString());
    }
  }

  /**
   * Removes them. {@code unused}: nobody is in them any more, so they are cut to nothing first;
   * their space is free at once then, not when the maps are.
   */
  void delete(boolean unused) {
    for (String name : NAMES) {
      Path path = directory.resolve(name);
      try {
        if (unused && Files.exists(path)) {
          FileChannel.open(path, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)
              .close();
        }
        Files.deleteIfExists(path);
      } catch (IOException e) {
        LOG.warn("{} stays behind in {}: {}", name, directory, e.toString());
      }
    }
  }
}
