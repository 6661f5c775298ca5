// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import java.io.IOException;
import java.nio.file.Path;
import java.util.UUID;
import org.blksnap.kernel.internal.record.SnapshotRecord;

/** Records as a kill leaves them. */
final class Killed {
  private Killed() {}

  static void beforeTheRecordOfATake(Path directory, UUID id) throws IOException {
    Path records = directory.resolve("state/kernel/snapshots").resolve(id.toString());
    SnapshotRecord.read(records).in(SnapshotRecord.Phase.TAKING).write(records);
  }
}
