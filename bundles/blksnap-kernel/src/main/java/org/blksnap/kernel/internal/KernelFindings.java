// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.spi.module.ModuleProbe;

/**
 * What is to be said of the kernel engine at one moment.
 *
 * @param probe null where its bundle is away
 * @param state there is a state directory
 * @param opens there is a bundle that opens devices
 * @param engine null where there is none
 * @param trouble why not; null for no reason
 */
record KernelFindings(
    ModuleProbe probe,
    boolean state,
    boolean opens,
    KernelEngine engine,
    BlksnapException trouble) {
  private static final String SUBJECT = "kernel module";

  List<Finding> all() {
    List<Finding> findings = new ArrayList<>();
    if (probe == null) {
      findings.add(
          new Finding(
              Severity.ERROR,
              "bundle org.blksnap.ioctl",
              "it is not running, so no kernel module is found"
                  + (engine == null ? "" : "; what is snapshotted goes on in the kernel"),
              "start it: bundle:start org.blksnap.ioctl"));
    } else if (trouble != null) {
      findings.add(
          new Finding(
              Severity.ERROR, SUBJECT, trouble.toString(), "mend it; it is looked at each second"));
    } else if (engine == null && probe.incarnation().isEmpty()) {
      findings.add(
          new Finding(
              Severity.WARNING,
              SUBJECT,
              "no module is loaded: " + String.join("; ", probe.seen()),
              "load it: modprobe blksnap, or insmod blksnap.ko as native-module/README.md says; it"
                  + " is found within a second"));
    } else if (engine == null && !state) {
      findings.add(
          new Finding(
              Severity.ERROR,
              SUBJECT,
              "a module is loaded, and there is no state directory",
              "see what is said of the state directory"));
    }
    if (!opens) {
      findings.add(
          new Finding(
              Severity.ERROR,
              "bundle org.blksnap.device",
              "it is not running, so the kernel engine opens no device",
              "start it: bundle:start org.blksnap.device"));
    }
    if (engine != null) {
      findings.addAll(ofEngine());
    }
    return findings;
  }

  private List<Finding> ofEngine() {
    List<Finding> findings = new ArrayList<>();
    PresentModule module = engine.module();
    if (!module.isAway()) {
      try {
        String version = module.ask(m -> m.version() + " " + m.modification()).strip();
        findings.add(
            new Finding(
                Severity.OK,
                SUBJECT,
                module.dialect().text() + " is loaded, version " + version,
                ""));
      } catch (BlksnapException e) {
        findings.add(
            new Finding(Severity.ERROR, SUBJECT, e.toString(), "see the kernel's log (dmesg)"));
      }
    }
    for (String trouble : engine.storageTroubles()) {
      findings.add(
          new Finding(
              Severity.ERROR,
              "difference storage",
              trouble,
              "until that is mended, neither unmount nor format what is named there"));
    }
    findings.addAll(engine.participants().findings());
    return findings;
  }
}
