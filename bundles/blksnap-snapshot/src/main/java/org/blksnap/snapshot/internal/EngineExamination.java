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
 * What the engine can say of itself: rooms that are away, devices that wait, a refused parameter,
 * space for its state.
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
      boolean ok = device.condition().equals("ok");
      findings.add(
          new Finding(
              ok ? Severity.OK : Severity.ERROR,
              "device " + device.name(),
              device.path() + ", " + device.capacity() + " bytes: " + device.condition(),
              ok ? "" : "see the log (log:tail), and bundle:list for a bundle that is not Active"));
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
    engine
        .parameters()
        .lastRefusal()
        .ifPresent(
            refusal ->
                findings.add(
                    new Finding(
                        Severity.WARNING,
                        "parameters",
                        refusal,
                        "correct it in etc/org.blksnap.parameters.cfg or with blksnap:parameter-set")));
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
