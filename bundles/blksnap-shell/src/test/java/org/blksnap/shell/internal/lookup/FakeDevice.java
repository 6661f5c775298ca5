// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.DeviceCondition;
import org.blksnap.api.snapshot.GateStatistics;
import org.blksnap.api.snapshot.SnapshotImage;

/** A device, and an image of it, without any content. */
public final class FakeDevice implements AttachedDevice {
  final AttachRequest request;
  public final FakeChangeMap changes;
  Geometry geometry;
  public long grown;
  public Optional<UUID> snapshot = Optional.empty();
  public String condition = "ok";

  public FakeDevice(AttachRequest request, long capacity) {
    this.request = request;
    this.geometry = new Geometry(capacity, 512, 4096, 512, false, request.readOnly());
    this.changes = new FakeChangeMap(capacity);
  }

  @Override
  public String name() {
    return request.name() == null ? request.path().getFileName().toString() : request.name();
  }

  @Override
  public Geometry geometry() {
    return geometry;
  }

  @Override
  public Path path() {
    return request.path();
  }

  @Override
  public String identity() {
    return "7:0";
  }

  @Override
  public int major() {
    return 7;
  }

  @Override
  public int minor() {
    return 0;
  }

  @Override
  public FakeChangeMap changes() {
    return changes;
  }

  @Override
  public Optional<UUID> snapshot() {
    return snapshot;
  }

  @Override
  public CbtInfo restartChanges() throws BlksnapException {
    if (snapshot.isPresent()) {
      throw new BlksnapException(Errno.EBUSY, "snapshot " + snapshot.get() + " needs it");
    }
    changes.changesNumber = 0;
    return changes.info();
  }

  @Override
  public boolean rescan() {
    geometry = geometry.withCapacity(geometry.capacity() + grown);
    return grown != 0;
  }

  @Override
  public GateStatistics gate() {
    return new GateStatistics(
        3, Duration.ofNanos(1000), Duration.ofNanos(2000), Duration.ofNanos(4000));
  }

  @Override
  public DeviceCondition condition() {
    return condition.equals("ok") ? DeviceCondition.OK : DeviceCondition.AWAY;
  }

  @Override
  public String conditionDetail() {
    return condition;
  }

  @Override
  public AttachRequest request() {
    return request;
  }

  SnapshotImage image(UUID id, Errno error) {
    return (SnapshotImage)
        java.lang.reflect.Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {SnapshotImage.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "name" -> "blksnap-image_7:0";
                  case "device" -> name();
                  case "snapshot" -> id;
                  case "error" -> error;
                  case "changes" -> changes;
                  case "geometry" -> geometry;
                  case "capacity" -> geometry.capacity();
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  @Override
  public void read(ByteBuffer dst, long offset) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void discard(long offset, long length, IoFlags flags) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void flush() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) {
    throw new UnsupportedOperationException();
  }
}
