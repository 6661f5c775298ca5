// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.SnapshotService;
import org.junit.Test;
import org.osgi.framework.Bundle;

/** What a fresh distribution has once it is started. */
public class BootIT extends DistributionTestBase {
  private static final Set<String> BUNDLES =
      Set.of(
          "org.blksnap.api",
          "org.blksnap.chunk",
          "org.blksnap.control",
          "org.blksnap.device",
          "org.blksnap.diffstorage",
          "org.blksnap.event",
          "org.blksnap.ioctl",
          "org.blksnap.nbd",
          "org.blksnap.node",
          "org.blksnap.shell",
          "org.blksnap.console",
          "org.blksnap.snapshot",
          "org.blksnap.tracker");

  @Test
  public void everyBundleIsActive() {
    Await.until(
        "every blksnap bundle is active",
        PATIENCE,
        () -> {
          Set<String> active = new TreeSet<>();
          for (Bundle bundle : context.getBundles()) {
            if (bundle.getState() == Bundle.ACTIVE) {
              active.add(bundle.getSymbolicName());
            }
          }
          return active.containsAll(BUNDLES);
        });
  }

  @Test
  public void noBundleIsLeftUnresolved() {
    List<String> unresolved = new ArrayList<>();
    for (Bundle bundle : context.getBundles()) {
      if (bundle.getState() == Bundle.INSTALLED) {
        unresolved.add(bundle.getSymbolicName());
      }
    }
    assertEquals(List.of(), unresolved);
  }

  @Test
  public void theUserspaceEngineIsRegistered() throws Exception {
    SnapshotService service = Await.service(context, SnapshotService.class, PATIENCE);
    assertEquals("2.0.0.0", service.version().toString());
    assertEquals(
        "userspace",
        context.getServiceReference(SnapshotService.class).getProperty(SnapshotService.ENGINE));
  }

  @Test
  public void parametersAndExportsAreThere() {
    assertNotNull(Await.service(context, Parameters.class, PATIENCE));
    assertNotNull(Await.service(context, ExportService.class, PATIENCE));
  }

  @Test
  public void doctorFindsNoErrorOnceAllIsUp() {
    Await.until(
        "blksnap:doctor finds no error",
        PATIENCE,
        () -> shell.run("blksnap:doctor").contains("engines"));
  }

  @Test
  public void stateLivesUnderTheDataDirectory() {
    Await.service(context, SnapshotService.class, PATIENCE);
    assertTrue(Files.isDirectory(Path.of(System.getProperty("karaf.data"), "blksnap")));
  }

  @Test
  public void theConsoleIsForItsOwnerAlone() throws Exception {
    Path socket = Path.of(System.getProperty("karaf.data"), "console.sock");
    Await.until("there is a socket", PATIENCE, () -> Files.exists(socket));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
  }

  @Test
  public void nobodyHasAPassword() throws Exception {
    for (String line :
        Files.readAllLines(Path.of(System.getProperty("karaf.etc"), "users.properties"))) {
      assertTrue(line, line.isBlank() || line.startsWith("#") || line.startsWith("_g_"));
    }
  }
}
