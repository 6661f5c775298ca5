// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.ModuleFeature;
import org.blksnap.spi.module.ModuleProbe;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** Says which kernel module is loaded, and what it can do. */
@Component(service = Examination.class)
public final class ModuleExamination implements Examination {
  private static final String SUBJECT = "kernel module";

  private final ModuleProbe probe;

  ModuleExamination(ModuleProbe probe) {
    this.probe = probe;
  }

  @Activate
  public ModuleExamination() {
    this(new LoadedModuleProbe());
  }

  @Override
  public String subject() {
    return SUBJECT;
  }

  @Override
  public List<Finding> examine() {
    try {
      Optional<KernelModule> found = probe.find();
      if (found.isEmpty()) {
        return List.of(
            new Finding(
                Severity.OK,
                SUBJECT,
                "none is loaded, so snapshots are the userspace engine's alone; looked at "
                    + String.join("; ", probe.seen()),
                ""));
      }
      try (KernelModule module = found.get()) {
        return List.of(new Finding(Severity.OK, SUBJECT, text(module), ""));
      }
    } catch (BlksnapException failure) {
      return List.of(unusable(failure));
    }
  }

  private static String text(KernelModule module) throws BlksnapException {
    String modification = module.modification();
    return module
        + ", says version "
        + module.version()
        + (modification.isEmpty() ? "" : " (" + modification + ")")
        + "; "
        + module.features().stream().map(ModuleFeature::text).collect(Collectors.joining(", "));
  }

  private static Finding unusable(BlksnapException failure) {
    boolean unknown = failure.errno() == Errno.ENOSYS;
    return new Finding(
        Severity.WARNING,
        SUBJECT,
        failure.toString(),
        unknown
            ? "it is not used; where the kernel engine is wanted, load a module that is known"
            : "where the kernel engine is wanted, give this process the rights that the message"
                + " names");
  }
}
