// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress.nbd;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.DeviceCondition;
import org.blksnap.api.snapshot.GateStatistics;
import org.blksnap.api.snapshot.SnapshotService;

/**
 * A device in memory that trusts nobody: what the server lets through and should not have, fails.
 */
final class MemoryDevice implements AttachedDevice, ChangeMap {
  private static final int BLOCK = 4096;
  private static final UUID GENERATION = new UUID(7, 9);

  private final String name;
  private final boolean readOnly;
  private final byte[] bytes;

  /** What the server should not have asked for; null where there was nothing. */
  volatile String trespass;

  MemoryDevice(String name, boolean readOnly, int size) {
    this.name = name;
    this.readOnly = readOnly;
    this.bytes = new byte[size];
  }

  /** An engine that has these devices and can do nothing else. */
  static SnapshotService engine(MemoryDevice... devices) {
    return (SnapshotService)
        Proxy.newProxyInstance(
            MemoryDevice.class.getClassLoader(),
            new Class<?>[] {SnapshotService.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "devices" -> List.of(devices);
                  case "images" -> List.of();
                  case "hashCode" -> 1;
                  case "equals" -> proxy == arguments[0];
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private void check(long offset, long length, boolean write) throws BlksnapException {
    if (offset < 0 || length <= 0 || offset > bytes.length - length || (write && readOnly)) {
      trespass = name + ": " + (write ? "write" : "read") + " of " + length + " at " + offset;
      throw new BlksnapException(Errno.EFAULT, trespass);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Geometry geometry() {
    return new Geometry(bytes.length, 512, 4096, 4096, false, readOnly);
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    check(offset, dst.remaining(), false);
    dst.put(bytes, (int) offset, dst.remaining());
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    check(offset, src.remaining(), true);
    src.get(bytes, (int) offset, src.remaining());
  }

  @Override
  public void discard(long offset, long length, IoFlags flags) throws IOException {
    check(offset, length, true);
  }

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    check(offset, length, true);
    if (flags.has(IoFlags.FAST_ZERO)) {
      throw new BlksnapException(Errno.EOPNOTSUPP, "not fast");
    }
  }

  @Override
  public void flush() {
    // Memory is as good as it gets here.
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    check(offset, length, false);
    target.write(ByteBuffer.wrap(bytes, (int) offset, (int) length));
  }

  /** Every second block is a hole. */
  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    check(offset, length, false);
    java.util.ArrayList<AllocationExtent> extents = new java.util.ArrayList<>();
    long at = offset;
    while (at < offset + length && extents.size() < limit) {
      long next = Math.min((at / BLOCK + 1) * BLOCK, offset + length);
      boolean hole = at / BLOCK % 2 == 1;
      extents.add(new AllocationExtent(at, next - at, hole, hole));
      at = next;
    }
    return extents;
  }

  @Override
  public Path path() {
    return Path.of("/memory", name);
  }

  @Override
  public String identity() {
    return "memory-" + name;
  }

  @Override
  public int major() {
    return 0;
  }

  @Override
  public int minor() {
    return 1;
  }

  @Override
  public ChangeMap changes() {
    return this;
  }

  @Override
  public Optional<UUID> snapshot() {
    return Optional.empty();
  }

  @Override
  public CbtInfo restartChanges() {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean rescan() {
    return false;
  }

  @Override
  public GateStatistics gate() {
    throw new UnsupportedOperationException();
  }

  @Override
  public DeviceCondition condition() {
    return DeviceCondition.OK;
  }

  @Override
  public String conditionDetail() {
    return "ok";
  }

  @Override
  public AttachRequest request() {
    return AttachRequest.of(path()).named(name);
  }

  @Override
  public CbtInfo info() {
    int blocks = bytes.length / BLOCK;
    GenerationReason reason = GenerationReason.values()[0];
    return new CbtInfo(bytes.length, BLOCK, blocks, GENERATION, 2, reason, "", Instant.EPOCH);
  }

  /** Every third block changed at the last take. */
  @Override
  public int read(long index, ByteBuffer dst) {
    int count = (int) Math.min(bytes.length / BLOCK - index, dst.remaining());
    for (int i = 0; i < count; i++) {
      dst.put((byte) ((index + i) % 3));
    }
    return count;
  }

  @Override
  public void markDirty(List<ByteRange> ranges) {
    throw new UnsupportedOperationException();
  }

  @Override
  public ChangeSet changedSince(ChangePoint since) {
    throw new UnsupportedOperationException();
  }
}
