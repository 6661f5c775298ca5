// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.io.IOException;
import java.nio.file.Path;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.export.ExportSource;

/** A source that gives a file, read-only. */
public final class FileSource implements ExportSource {
  private final String name;
  private final Path file;

  public FileSource(String name, Path file) {
    this.name = name;
    this.file = file;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String description() {
    return "what is in " + file.getFileName();
  }

  @Override
  public BlockDevice open() throws IOException {
    return new FileDevice(name, file) {
      @Override
      public Geometry geometry() {
        return super.geometry().withReadOnly(true);
      }
    };
  }

  @Override
  public void release(BlockDevice device) {
    ((FileDevice) device).close();
  }
}
