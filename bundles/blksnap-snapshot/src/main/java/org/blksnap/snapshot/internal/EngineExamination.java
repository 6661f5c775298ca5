// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.enginebase.Participants;
import org.blksnap.snapshot.internal.control.Desk;
import org.blksnap.snapshot.internal.control.NeededPlaces;
import org.blksnap.snapshot.internal.control.Room;
import org.blksnap.snapshot.internal.data.FilteredDevice;

/**
 * What the engine alone can say of itself: rooms that are away, space for its state. Devices,
 * snapshots and a refused parameter are told by whoever asks, from the services.
 */
final class EngineExamination implements Examination {
  private static final long LITTLE_SPACE = 256L << 20;

  private final Desk desk;
  private final NeededPlaces neededPlaces;
  private final Participants participants;

  EngineExamination(Desk desk, NeededPlaces neededPlaces, Participants participants) {
    this.desk = desk;
    this.neededPlaces = neededPlaces;
    this.participants = participants;
  }

  @Override
  public List<Finding> examine() {
    List<Finding> findings = new ArrayList<>();
    for (Room room : Room.values()) {
      if (desk.providers().get(room) == null) {
        findings.add(
            new Finding(
                Severity.ERROR,
                "bundle " + room.bundle(),
                "it is not running",
                "start it: bundle:start " + room.bundle()));
      }
    }
    for (FilteredDevice device : desk.devices().all()) {
      neededPlaces
          .finding(device)
          .ifPresent(
              place ->
                  findings.add(
                      new Finding(
                          Severity.ERROR,
                          "device " + device.name(),
                          "its takes are refused: " + neededPlaces.sentence(device, place),
                          NeededPlaces.remedy(Optional.of(place)))));
    }
    findings.addAll(participants.findings());
    if (!desk.guardian().trouble().isEmpty()) {
      findings.add(
          new Finding(
              Severity.WARNING,
              "guardian process",
              "there is none, so a kill of this process costs a full backup of each device: "
                  + desk.guardian().trouble(),
              "install coreutils where stat or sync is missing; else see the log, and restart"
                  + " blksnap at a good time"));
    }
    desk.hot().finding().ifPresent(findings::add);
    findings.add(stateSpace());
    return findings;
  }

  private Finding stateSpace() {
    try {
      long free = Files.getFileStore(desk.state().root()).getUsableSpace();
      boolean little = free < LITTLE_SPACE;
      return new Finding(
          little ? Severity.WARNING : Severity.OK,
          "state directory",
          desk.state().root() + ": " + (free >> 20) + " MiB free",
          little ? "free some space: change maps and chunk maps are kept there" : "");
    } catch (IOException e) {
      return new Finding(
          Severity.ERROR, "state directory", desk.state().root() + ": " + e, "mend the directory");
    }
  }
}
