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

/**
 * What the engine alone can say of itself: rooms that are away, space for its state. Devices,
 * snapshots and a refused parameter are told by whoever asks, from the services.
 */
final class EngineExamination implements Examination {
  private static final long LITTLE_SPACE = 256L << 20;

  private final Engine engine;

  EngineExamination(Engine engine) {
    this.engine = engine;
  }

  @Override
  public List<Finding> examine() {
    List<Finding> findings = new ArrayList<>();
    for (Room room : Room.values()) {
      if (engine.providers().get(room) == null) {
        findings.add(
            new Finding(
                Severity.ERROR,
                "bundle " + room.bundle(),
                "it is not running",
                "start it: bundle:start " + room.bundle()));
      }
    }
    for (FilteredDevice device : engine.filteredDevices()) {
      engine
          .neededPlaces()
          .finding(device)
          .ifPresent(
              place ->
                  findings.add(
                      new Finding(
                          Severity.ERROR,
                          "device " + device.name(),
                          "its takes are refused: " + engine.neededPlaces().sentence(device, place),
                          NeededPlaces.remedy(Optional.of(place)))));
    }
    findings.addAll(engine.participants().findings());
    if (!engine.guardian().trouble().isEmpty()) {
      findings.add(
          new Finding(
              Severity.WARNING,
              "guardian process",
              "there is none, so a kill of this process costs a full backup of each device: "
                  + engine.guardian().trouble(),
              "install coreutils where stat or sync is missing; else see the log, and restart"
                  + " blksnap at a good time"));
    }
    engine.hot().finding().ifPresent(findings::add);
    findings.add(stateSpace());
    return findings;
  }

  private Finding stateSpace() {
    try {
      long free = Files.getFileStore(engine.state().root()).getUsableSpace();
      boolean little = free < LITTLE_SPACE;
      return new Finding(
          little ? Severity.WARNING : Severity.OK,
          "state directory",
          engine.state().root() + ": " + (free >> 20) + " MiB free",
          little ? "free some space: change maps and chunk maps are kept there" : "");
    } catch (IOException e) {
      return new Finding(
          Severity.ERROR,
          "state directory",
          engine.state().root() + ": " + e,
          "mend the directory");
    }
  }
}
