// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageProvider;
import org.blksnap.spi.storage.StorageRequest;

/**
 * The difference storage of one snapshot as the chunk engine sees it: the same object before,
 * during and after a swap of the storage bundle. A gate of its own stands before the real one,
 * because store workers use it outside any device's gate. While the provider is away, calls wait;
 * once it is given up, they fail with ESHUTDOWN, and the chunk engine corrupts the image for it.
 */
public final class StorageRoom implements DiffStorage {
  private static final Duration QUIET_WAIT = Duration.ofSeconds(10);

  private final Gate gate;
  private final StorageRequest request;

  /** Changed only while the gate is closed; null once given up. */
  private volatile DiffStorage storage;

  private volatile LongSupplier expected = () -> 0;

  /** Why there is no storage, where there is none. */
  private volatile String gone = "the storage bundle is away";

  /** A room whose storage was not found again. */
  public static StorageRoom lost(StorageRequest request, String why) {
    StorageRoom room = new StorageRoom(request, null);
    room.gone = why;
    return room;
  }

  public StorageRoom(StorageRequest request, DiffStorage storage) {
    this.gate = new Gate("difference storage of snapshot " + request.snapshot());
    this.request = request;
    this.storage = storage;
  }

  /** Closes the gate and lets the old storage go. */
  public void handOver() throws BlksnapException {
    if (gate.isClosed() || storage == null) {
      return;
    }
    gate.close(QUIET_WAIT);
    storage.close();
    storage = null;
  }

  public boolean waitsForProvider() {
    return gate.isClosed();
  }

  /**
   * A successor takes over; the gate opens also where it fails, and the storage is then given up.
   */
  public void adopt(StorageProvider provider) throws BlksnapException {
    try {
      DiffStorage successor = provider.adopt(request);
      successor.expect(expected);
      storage = successor;
    } catch (BlksnapException | RuntimeException | Error e) {
      gone = "it was not found again: " + e.getMessage();
      throw e;
    } finally {
      gate.open();
    }
  }

  /** No successor came. */
  public void giveUp() {
    if (gate.isClosed()) {
      gone = "the storage bundle went away and did not come back in time";
    }
    gate.open();
  }

  private DiffStorage present() throws BlksnapException {
    DiffStorage now = storage;
    if (now == null) {
      throw new BlksnapException(
          Errno.ESHUTDOWN,
          "snapshot "
              + request.snapshot()
              + " has lost its difference storage: "
              + gone
              + "; destroy it and take a new one");
    }
    return now;
  }

  @Override
  public void appendRanges(Path path, List<ByteRange> ranges, Geometry geometry)
      throws BlksnapException {
    int ticket = gate.enter(false);
    try {
      present().appendRanges(path, ranges, geometry);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public void appendDirectory(Path directory, long limit) throws BlksnapException {
    int ticket = gate.enter(false);
    try {
      present().appendDirectory(directory, limit);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public void appendMemory(long bytes) throws BlksnapException {
    int ticket = gate.enter(false);
    try {
      present().appendMemory(bytes);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public void expect(LongSupplier atMost) {
    expected = atMost;
    DiffStorage now = storage;
    if (now != null) {
      now.expect(atMost);
    }
  }

  @Override
  public boolean isEmpty() {
    DiffStorage now = storage;
    return now == null || now.isEmpty();
  }

  @Override
  public int logicalBlockSize() {
    DiffStorage now = storage;
    return now == null ? 0 : now.logicalBlockSize();
  }

  @Override
  public long allocate(int bytes) throws BlksnapException {
    int ticket = gate.enter(false);
    try {
      return present().allocate(bytes);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public void read(long address, ByteBuffer dst) throws IOException {
    int ticket = gate.enter(false);
    try {
      present().read(address, dst);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public void write(long address, ByteBuffer src) throws IOException {
    int ticket = gate.enter(false);
    try {
      present().write(address, src);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public void transferTo(long address, long length, WritableByteChannel target) throws IOException {
    int ticket = gate.enter(false);
    try {
      present().transferTo(address, length, target);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public void flush() throws IOException {
    int ticket = gate.enter(false);
    try {
      present().flush();
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public StorageStatus status() {
    DiffStorage now = storage;
    return now == null ? new StorageStatus(0, 0, 0, 0, true, List.of(gone)) : now.status();
  }

  @Override
  public void close() {
    DiffStorage now = storage;
    storage = null;
    if (now != null) {
      now.close();
    }
    gate.open();
  }

  @Override
  public void delete() {
    DiffStorage now = storage;
    storage = null;
    if (now != null) {
      now.delete();
    }
    gate.open();
  }
}
