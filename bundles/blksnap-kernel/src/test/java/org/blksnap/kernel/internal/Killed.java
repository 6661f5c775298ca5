// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import java.io.IOException;
import java.nio.file.Path;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.blksnap.kernel.internal.record.SnapshotRecord;
import org.blksnap.kernel.internal.record.StorageRecord;

/** Records as a kill leaves them. */
final class Killed {
  private Killed() {}

  static void beforeTheRecordOfATake(Path directory, UUID id) throws IOException {
    Path records = directory.resolve("state/kernel/snapshots").resolve(id.toString());
    SnapshotRecord.read(records).in(SnapshotRecord.Phase.TAKING).write(records);
  }

  /** The engine ended without a word, its record as {@code as} makes it. */
  static void before(Path directory, UUID id, UnaryOperator<StorageRecord> as) throws IOException {
    Path records = directory.resolve("state/kernel/snapshots").resolve(id.toString());
    StorageRecord record = StorageRecord.read(records);
    as.apply(record.asked(record.requested(), record.filled())).write(records);
  }
}
