// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.blksnap.enginebase.record.RecordFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeftDevicesTest {
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
    assertEquals("4096 1 2 3:4", fetched("boot").claim("disk").fingerprint());
  }

  @Test
  void aFingerprintIsClaimedOnce() throws IOException {
    left("disk", "4096 1 2 3:4");
    LeftDevices devices = fetched("boot");
    devices.claim("disk");
    assertNull(devices.claim("disk").fingerprint());
    assertTrue(devices.isEmpty());
  }

  @Test
  void theNoteIsUsedOnce() throws IOException {
    left("disk", "4096 1 2 3:4");
    fetched("boot");
    assertNull(fetched("boot").claim("disk").fingerprint());
  }

  @Test
  void afterABootNothingCounts() throws IOException {
    left("disk", "4096 1 2 3:4");
    LeftDevices devices = fetched("another boot");
    assertNull(devices.claim("disk").fingerprint());
    assertFalse(devices.attachedJustNow("disk"));
    assertFalse(Files.exists(root.resolve("handover.record")));
  }

  @Test
  void aDeviceOfThisProcessIsKnownAsAttachedJustNow() throws IOException {
    left("disk", "");
    LeftDevices devices = fetched("boot");
    assertTrue(devices.attachedJustNow("disk"));
    assertFalse(devices.attachedJustNow("another"));
    assertEquals("", devices.claim("disk").fingerprint());
  }

  @Test
  void aDeviceOfAnotherProcessIsNotAttachedAgain() throws IOException {
    RecordFile.write(
        root.resolve("handover.record"),
        "handover",
        Map.of("boot", "boot", "process", "1 1", "device.disk", "f"));
    LeftDevices devices = fetched("boot");
    assertFalse(devices.attachedJustNow("disk"));
    assertEquals("f", devices.claim("disk").fingerprint());
  }

  @Test
  void aDamagedNoteIsNotUsed() throws IOException {
    left("disk", "4096 1 2 3:4");
    Files.writeString(root.resolve("handover.record"), "x", StandardOpenOption.APPEND);
    assertNull(fetched("boot").claim("disk").fingerprint());
  }

  @Test
  void whatNobodyClaimedIsLeftAgain() throws IOException {
    left("unattachable", "f");
    LeftDevices devices = fetched("boot");
    devices.leave("disk", "g");
    devices.write();
    assertEquals("f", fetched("boot").claim("unattachable").fingerprint());
  }
}
