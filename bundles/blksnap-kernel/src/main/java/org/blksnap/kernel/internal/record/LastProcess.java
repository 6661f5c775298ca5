// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.record;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.blksnap.enginebase.record.RecordFile;
import org.blksnap.linux.proc.ProcessStamp;

/**
 * Which process had the engine last, in {@code engine.record}: after an update of the bundle it is
 * this one, and devices attached for one life of the service are still meant.
 */
public final class LastProcess {
  private static final String KIND = "kernel-engine";
  private static final String FILE = "engine.record";
  private static final String PROCESS = "process";

  private LastProcess() {}

  public static boolean isThis(Path directory) {
    try {
      String process = RecordFile.read(directory.resolve(FILE), KIND).get(PROCESS);
      return ProcessStamp.own().equals(process);
    } catch (IOException none) {
      return false;
    }
  }

  /** On disk when it returns. */
  public static void keep(Path directory) throws IOException {
    RecordFile.write(directory.resolve(FILE), KIND, Map.of(PROCESS, ProcessStamp.own()));
  }
}
