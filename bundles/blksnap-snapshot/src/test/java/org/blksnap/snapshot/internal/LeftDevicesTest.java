// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.blksnap.enginebase.RecordFile;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Evidence;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeftDevicesTest {
  /** Nothing a guardian has read is claimed here. */
  private static final RawDevice NO_DEVICE = null;

  @TempDir Path root;

  private void left(String device, String fingerprint) throws IOException {
    LeftDevices devices = new LeftDevices(root, "boot");
    devices.leave(device, fingerprint);
    devices.write();
  }

  private LeftDevices fetched(String boot) {
    LeftDevices devices = new LeftDevices(root, boot);
    devices.fetch();
    return devices;
  }

  @Test
  void aSuccessorFindsTheFingerprint() throws IOException {
    left("disk", "4096 1 2 3:4");
    assertEquals(Evidence.of("4096 1 2 3:4"), fetched("boot").claim("disk", NO_DEVICE));
  }

  @Test
  void aFingerprintIsClaimedOnce() throws IOException {
    left("disk", "4096 1 2 3:4");
    LeftDevices devices = fetched("boot");
    devices.claim("disk", NO_DEVICE);
    assertFalse(devices.claim("disk", NO_DEVICE).known());
    assertTrue(devices.isEmpty());
  }

  @Test
  void theNoteIsUsedOnce() throws IOException {
    left("disk", "4096 1 2 3:4");
    fetched("boot");
    assertFalse(fetched("boot").claim("disk", NO_DEVICE).known());
  }

  @Test
  void afterABootNothingCounts() throws IOException {
    left("disk", "4096 1 2 3:4");
    LeftDevices devices = fetched("another boot");
    assertFalse(devices.claim("disk", NO_DEVICE).known());
    assertFalse(devices.attachedJustNow("disk"));
    assertFalse(Files.exists(root.resolve("handover.record")));
  }

  @Test
  void aDeviceOfThisProcessIsKnownAsAttachedJustNow() throws IOException {
    left("disk", "");
    LeftDevices devices = fetched("boot");
    assertTrue(devices.attachedJustNow("disk"));
    assertFalse(devices.attachedJustNow("another"));
    assertFalse(devices.claim("disk", NO_DEVICE).known());
  }

  @Test
  void aDeviceOfAnotherProcessIsNotAttachedAgain() throws IOException {
    RecordFile.write(
        root.resolve("handover.record"),
        "handover",
        Map.of("boot", "boot", "process", "1 1", "device.disk", "f"));
    LeftDevices devices = fetched("boot");
    assertFalse(devices.attachedJustNow("disk"));
    assertEquals(Evidence.of("f"), devices.claim("disk", NO_DEVICE));
  }

  @Test
  void aDamagedNoteIsNotUsed() throws IOException {
    left("disk", "4096 1 2 3:4");
    Files.writeString(root.resolve("handover.record"), "x", StandardOpenOption.APPEND);
    assertFalse(fetched("boot").claim("disk", NO_DEVICE).known());
  }

  @Test
  void whatNobodyClaimedIsLeftAgain() throws IOException {
    left("unattachable", "f");
    LeftDevices devices = fetched("boot");
    devices.leave("disk", "g");
    devices.write();
    assertEquals(Evidence.of("f"), fetched("boot").claim("unattachable", NO_DEVICE));
  }
}
