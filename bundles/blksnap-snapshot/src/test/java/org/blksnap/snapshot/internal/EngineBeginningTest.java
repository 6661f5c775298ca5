// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.enginebase.record.StateRoot;
import org.blksnap.snapshot.internal.control.EngineParameters;
import org.blksnap.snapshot.internal.control.EngineSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EngineBeginningTest {
  @TempDir Path directory;

  private Engine begun() throws BlksnapException {
    return new Engine(
        directory,
        "none",
        new EngineParameters(Map::of),
        owner -> true,
        () -> EngineSettings.DEFAULTS,
        List::of);
  }

  @Test
  void anEngineThatCouldNotBeginKeepsNoOtherFromTheDirectory() throws Exception {
    Path id = directory.resolve(StateRoot.ID_FILE);
    Files.writeString(id, "damaged");
    assertThrows(BlksnapException.class, this::begun);
    Files.delete(id);
    begun().close();
  }
}
