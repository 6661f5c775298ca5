// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotService;

/** What an engine's snapshots suffer from. One that is destroyed meanwhile is left out. */
final class SnapshotsCheck implements Examination {
  private final String subject;
  private final SnapshotService service;

  SnapshotsCheck(String engine, SnapshotService service) {
    this.subject = "snapshots of " + engine;
    this.service = service;
  }

  @Override
  public String subject() {
    return subject;
  }

  @Override
  public List<Finding> examine() {
    List<Finding> findings = new ArrayList<>();
    for (Snapshot snapshot : service.snapshots()) {
      try {
        findings.addAll(SnapshotCheck.findings(snapshot));
      } catch (BlksnapException e) {
        if (e.errno() != Errno.ESRCH) {
          findings.add(
              Findings.error("snapshot " + snapshot.id(), e.toString(), Findings.LIST_BUNDLES));
        }
      }
    }
    return findings;
  }
}
