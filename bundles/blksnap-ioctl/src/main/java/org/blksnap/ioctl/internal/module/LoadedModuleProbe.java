// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.module.Dialect;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.ModuleProbe;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Looks for a module by its nodes and the names of its parameters. Holds no state: a module that
 * was found goes on working after this bundle's stop, until who has it closes it. Where native
 * calls are not possible this is there all the same, and says so where a module is found.
 */
@Component(service = ModuleProbe.class)
public final class LoadedModuleProbe implements ModuleProbe {
  /** How the calls of the system are had. */
  public interface CallsSource {
    ModuleCalls get() throws BlksnapException;
  }

  private final Path devices;
  private final Path modules;
  private final Path boot;
  private final NodeLook look;
  private final CallsSource calls;

  /** Roots other than the system's: trees that a test or a benchmark planted. */
  public LoadedModuleProbe(
      Path devices, Path modules, Path boot, NodeLook look, CallsSource calls) {
    this.devices = devices;
    this.modules = modules;
    this.boot = boot;
    this.look = look;
    this.calls = calls;
  }

  @Activate
  public LoadedModuleProbe() {
    this(
        Path.of("/dev"),
        Path.of("/sys/module"),
        Path.of("/proc/sys/kernel/random/boot_id"),
        NodeLook.system(),
        LibcModuleCalls::load);
  }

  @Override
  public Optional<KernelModule> find() throws BlksnapException {
    List<Sighting> sightings = Sighting.all(look, devices, modules);
    Optional<KernelModule> found = findOne(sightings);
    if (found.isPresent()) {
      return found;
    }
    for (Sighting sighting : sightings) {
      if (sighting.present() && sighting.dialect().isEmpty()) {
        throw new BlksnapException(
            Errno.ENOSYS,
            "a module is there that fits no dialect: "
                + String.join("; ", sighting.lines())
                + "; load one that this project knows (docs/FORMATS.md, \"Dialects of the"
                + " module\")");
      }
    }
    return Optional.empty();
  }

  /** EBUSY where there are two: a device may have the filter of either, a snapshot be in either. */
  private Optional<KernelModule> findOne(List<Sighting> sightings) throws BlksnapException {
    KernelModule found = null;
    boolean alone = false;
    try {
      for (Sighting sighting : sightings) {
        Optional<Dialect> dialect = sighting.dialect();
        Optional<KernelModule> opened =
            dialect.isPresent() ? open(sighting, dialect.get()) : Optional.empty();
        if (opened.isPresent() && found != null) {
          opened.get().close();
          throw new BlksnapException(
              Errno.EBUSY,
              "the modules "
                  + sightings.stream().map(Sighting::module).collect(Collectors.joining(" and "))
                  + " are loaded both, and one is allowed, as whose a snapshot is could not be told;"
                  + " unload one of them (rmmod)");
        }
        found = opened.orElse(found);
      }
      alone = true;
      return Optional.ofNullable(found);
    } finally {
      if (!alone && found != null) {
        found.close();
      }
    }
  }

  /** Empty where the node is a leftover of a module that has gone. */
  private Optional<KernelModule> open(Sighting sighting, Dialect dialect) throws BlksnapException {
    ModuleCalls system = calls.get();
    Node control;
    try {
      control = Node.open(system, sighting.node().toString(), Node.O_RDWR);
    } catch (BlksnapException failure) {
      return switch (failure.errno()) {
        case ENOENT, ENXIO, ENODEV -> Optional.empty();
        default -> throw failure;
      };
    }
    try {
      return Optional.of(module(sighting, dialect, system, control));
    } catch (BlksnapException | RuntimeException failure) {
      control.close();
      throw failure;
    }
  }

  private KernelModule module(Sighting sighting, Dialect dialect, ModuleCalls system, Node control)
      throws BlksnapException {
    LoadedModule.Place place = new LoadedModule.Place(system, look, devices, sighting.parameters());
    return switch (dialect) {
      case SEED -> new SeedModule(place, control);
      case UPSTREAM_6, UPSTREAM_7 ->
          UpstreamForm.ask(system, control) == Dialect.UPSTREAM_6
              ? UpstreamModule.v6(place, control)
              : UpstreamModule.v7(place, control);
      case UPSTREAM_6_15 -> UpstreamModule.linux615(place, control);
      case VEEAM_7 ->
          new Veeam7Module(
              place,
              control,
              Node.open(system, devices.resolve(Sighting.FILTERS).toString(), Node.O_RDWR));
      case VEEAM_6 -> new Veeam6Module(place, control);
    };
  }

  /**
   * {@code module:mark:boot}: the boot's id and the inode number of the module's directory in
   * sysfs.
   *
   * <p>What proves it: the kernel draws the boot's id anew at every boot. It makes the directory
   * when the module is loaded and removes it when that is unloaded. The number of an inode in sysfs
   * is the whole 64-bit id of its node (linux 5.5 and later, 64 bit), and an id is given out in
   * ascending order and never twice in a boot: when the lower half has gone round, the upper half
   * counts on. Before linux 5.5 the number had 32 bits and could come again after 2<sup>31</sup>
   * other nodes. Nothing that happens to a loaded module makes the directory anew: neither changed
   * parameters, nor rights or owners of the nodes, nor snapshots, nor a suspended host. The nodes
   * in /dev are not used for it: whoever changes their rights changes their stamps.
   */
  @Override
  public Optional<String> incarnation() {
    for (Sighting sighting : Sighting.all(look, devices, modules)) {
      if (sighting.present()) {
        Optional<String> life = life(sighting);
        if (life.isPresent()) {
          return life;
        }
      }
    }
    return Optional.empty();
  }

  private Optional<String> life(Sighting sighting) {
    try {
      long inode = (long) Files.getAttribute(modules.resolve(sighting.module()), "unix:ino");
      return Optional.of(
          sighting.module() + ":" + Long.toHexString(inode) + ":" + Files.readString(boot).strip());
    } catch (IOException gone) {
      return Optional.empty();
    }
  }

  @Override
  public List<String> seen() {
    List<String> lines = new ArrayList<>();
    for (Sighting sighting : Sighting.all(look, devices, modules)) {
      lines.addAll(sighting.lines());
    }
    return lines;
  }
}
