// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.snapshot.SnapshotImage;

/** The image of a device whose content at the take lies in a file. */
public final class FileImage implements SnapshotImage {
  private static final UUID SNAPSHOT = new UUID(1, 2);

  private final String name;
  private final FileDevice live;
  private final FileDevice taken;

  public FileImage(String name, FileDevice live, Path taken) throws IOException {
    this.name = name;
    this.live = live;
    this.taken = new FileDevice(name, taken);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public UUID snapshot() {
    return SNAPSHOT;
  }

  @Override
  public String device() {
    return live.name();
  }

  @Override
  public Errno error() {
    return null;
  }

  @Override
  public ChangeMap changes() {
    return live.changes;
  }

  @Override
  public Geometry geometry() {
    return taken.geometry();
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    taken.read(dst, offset);
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    taken.write(src, offset, flags);
  }

  @Override
  public void discard(long offset, long length, IoFlags flags) throws IOException {
    taken.writeZeroes(offset, length, flags);
  }

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    taken.writeZeroes(offset, length, flags);
  }

  @Override
  public void flush() throws IOException {
    taken.flush();
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    taken.transferTo(offset, length, target);
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) {
    return taken.allocation(offset, length, limit);
  }
}
