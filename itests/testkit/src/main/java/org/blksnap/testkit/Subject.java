// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.nio.file.Path;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.SnapshotService;

/** An engine a history is played on. */
public interface Subject extends AutoCloseable {
  /** The engine as it is now; another one after each restart. */
  SnapshotService service();

  Parameters parameters();

  /** An empty directory for files of devices and storage; on no attached device. */
  Path directory();

  /** What a history does while the engine is down. */
  interface WhileDown {
    void run() throws Exception;
  }

  /** Stops cleanly and starts again with the same state. */
  void restart(WhileDown meanwhile) throws Exception;

  /** Goes on with the state as a killed process would have left it at this moment. */
  void restartAsKilled() throws Exception;

  /** Stops and removes everything. */
  @Override
  void close() throws Exception;
}
