// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.blksnap.linux.proc.KernelText;
import org.blksnap.spi.device.Trace;

/** Reads {@linkplain Trace traces} in this process, word for word as another one does. */
final class Readings {
  private Readings() {}

  /** In the order given: what is forced first shows in what is read after it. */
  static Map<Trace, String> of(List<Trace> traces) {
    Map<Trace, String> readings = new LinkedHashMap<>();
    for (Trace trace : traces) {
      readings.put(trace, read(trace));
    }
    return readings;
  }

  private static String read(Trace trace) {
    return switch (trace.kind()) {
      case FORCE -> forced(trace.path());
      case STAT -> FileStat.find(trace.path()).map(FileStat::reading).orElse(Trace.NOTHING);
      case TEXT -> text(trace.path());
    };
  }

  private static String forced(Path node) {
    try (FileChannel channel = FileChannel.open(node, StandardOpenOption.READ)) {
      channel.force(false);
      return Trace.FORCED;
    } catch (IOException failure) {
      return Trace.NOTHING;
    }
  }

  private static String text(Path file) {
    List<String> lines = KernelText.lines(file);
    String line = lines.isEmpty() ? "" : lines.get(0).strip();
    return line.isEmpty() ? Trace.NOTHING : line.replaceAll("\\s+", ",");
  }
}
