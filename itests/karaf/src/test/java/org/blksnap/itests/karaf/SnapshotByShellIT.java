// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotService;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;

/** The whole way of a snapshot by commands alone; data is written and read through the services. */
public class SnapshotByShellIT extends DistributionTestBase {
  private static final int SIZE = 4 << 20;
  private static final int PIECE = 4096;

  private SnapshotService service;
  private Path file;

  @Before
  public void attach() throws Exception {
    service = Await.service(context, SnapshotService.class, PATIENCE);
    file = Files.createTempFile(Path.of(System.getProperty("karaf.data")), "device", ".img");
    byte[] old = new byte[SIZE];
    Arrays.fill(old, (byte) 0x11);
    Files.write(file, old);
    shell.run("blksnap:device-attach --once --name walk " + file);
  }

  @After
  public void detach() throws Exception {
    shell.run("blksnap:snapshot-destroy --all");
    if (service.device("walk").isPresent()) {
      shell.run("blksnap:device-detach walk");
    }
    Files.deleteIfExists(file);
  }

  @Test
  public void anAttachedDeviceIsListedAndServed() throws Exception {
    assertTrue(shell.run("blksnap:device-list --json").contains("\"walk\""));
    Await.until(
        "the device is served",
        PATIENCE,
        () -> shell.run("blksnap:export-list --json").contains("\"walk\""));
  }

  @Test
  public void anImageKeepsWhatTheDeviceHeldAtTheTake() throws Exception {
    shell.run("blksnap:snapshot --memory 16M walk");
    write(PIECE, (byte) 0x22);

    SnapshotImage image = service.images().get(0);
    ByteBuffer read = ByteBuffer.allocate(PIECE);
    image.read(read, PIECE);
    byte[] expected = new byte[PIECE];
    Arrays.fill(expected, (byte) 0x11);
    assertArrayEquals(expected, read.array());
    assertEquals(0x22, Files.readAllBytes(file)[PIECE]);
  }

  @Test
  public void theChangeMapNamesWhatWasWrittenBetweenTwoTakes() throws Exception {
    shell.run("blksnap:snapshot --memory 16M walk");
    shell.run("blksnap:snapshot-destroy --all");
    write(1 << 20, (byte) 0x33);
    shell.run("blksnap:snapshot --memory 16M walk");
    String map = shell.run("blksnap:cbt-map --json walk").replaceAll("\\s", "");
    assertTrue(map, map.contains("{\"offset\":1048576,\"length\":65536,\"type\":1"));
  }

  @Test
  public void aHeldDeviceCanNotBeDetached() throws Exception {
    shell.run("blksnap:snapshot --memory 16M walk");
    assertThrows(Exception.class, () -> shell.run("blksnap:device-detach walk"));
    assertTrue(service.device("walk").isPresent());
  }

  @Test
  public void destroyedSnapshotsAreGone() throws Exception {
    shell.run("blksnap:snapshot --memory 16M walk");
    shell.run("blksnap:snapshot-destroy --all");
    assertTrue(service.collect().isEmpty());
    assertTrue(service.images().isEmpty());
  }

  @Test
  public void aViewerMayLookButNotChange() throws Exception {
    assertTrue(shell.run("blksnap:device-list --json", "viewer").contains("\"walk\""));
    assertThrows(Exception.class, () -> shell.run("blksnap:device-detach walk", "viewer"));
    assertFalse(service.device("walk").isEmpty());
  }

  private void write(long offset, byte value) throws Exception {
    AttachedDevice device = service.device("walk").orElseThrow();
    byte[] piece = new byte[PIECE];
    Arrays.fill(piece, value);
    device.write(ByteBuffer.wrap(piece), offset, IoFlags.NONE);
    device.flush();
  }
}
