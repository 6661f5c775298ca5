// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.spi.event.EventProvider;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.ModuleFeature;
import org.blksnap.spi.module.ModuleProbe;
import org.osgi.framework.ServiceRegistration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for a kernel module, and has an engine while one is loaded.
 *
 * <pre>
 * waiting ──module and state directory there──► working
 *    ▲                                           │ │  ▲
 *    │ unloaded, loaded anew, directory left     │ └──┘ the bridge (org.blksnap.ioctl) is swapped
 *    └───────────────────────────────────────────┘
 * </pre>
 *
 * <p>{@link #turn} is held while an engine comes or goes. {@link #letBridgeGo} and {@link #engine}
 * do without.
 */
final class ModuleWatch {
  /** Makes an engine. */
  interface Maker {
    KernelEngine make(PresentModule module, StateLocation place) throws BlksnapException;
  }

  /** How long a call waits for a bridge that is being swapped. */
  static final Duration PATIENCE = Duration.ofSeconds(15);

  private static final Logger LOG = LoggerFactory.getLogger(ModuleWatch.class);

  /** Without these nothing can be done here. */
  private static final List<ModuleFeature> NEEDED =
      List.of(ModuleFeature.ATTACH, ModuleFeature.ADD_DEVICE, ModuleFeature.APPEND_STORAGE);

  private final Supplier<ModuleProbe> probes;
  private final Supplier<StateLocation> locations;
  private final Supplier<EventProvider> listeners;
  private final BooleanSupplier opens;
  private final Maker maker;
  private final Function<KernelEngine, List<ServiceRegistration<?>>> registering;
  private final ReentrantLock turn = new ReentrantLock(true);

  /** Changed with the turn. */
  private volatile KernelEngine engine;

  /** Why there is no engine though a module is there; null for no reason. */
  private volatile BlksnapException trouble;

  @GuardedBy("turn")
  private StateLocation usedLocation;

  @GuardedBy("turn")
  private List<ServiceRegistration<?>> registrations = List.of();

  @GuardedBy("turn")
  private boolean gone;

  /**
   * The first three answer null for what is away. {@code opens} tells whether devices can be
   * opened: an engine begins with that, and goes on without. {@code registering} makes an engine
   * known and answers how that is taken back.
   */
  ModuleWatch(
      Supplier<ModuleProbe> probes,
      Supplier<StateLocation> locations,
      Supplier<EventProvider> listeners,
      BooleanSupplier opens,
      Maker maker,
      Function<KernelEngine, List<ServiceRegistration<?>>> registering) {
    this.probes = probes;
    this.locations = locations;
    this.listeners = listeners;
    this.opens = opens;
    this.maker = maker;
    this.registering = registering;
  }

  /** Null while there is none. */
  KernelEngine engine() {
    return engine;
  }

  /** Null for none. */
  BlksnapException trouble() {
    return trouble;
  }

  /** Without the turn: whoever has it may wait for this very bridge. */
  void letBridgeGo() {
    KernelEngine now = engine;
    if (now != null) {
      now.module().withdraw();
      now.renew();
    }
  }

  /** What is there now, and what follows from it. */
  void look() {
    turn.lock();
    try {
      if (!gone) {
        lookInTurn();
      }
    } catch (RuntimeException | Error e) {
      LOG.error("the look for a kernel module failed", e);
    } finally {
      turn.unlock();
    }
  }

  @GuardedBy("turn")
  private void lookInTurn() {
    ModuleProbe now = probes.get();
    Optional<String> life = now == null ? Optional.empty() : now.incarnation();
    if (engine != null) {
      lookAtEngine(now, life);
    }
    StateLocation place = locations.get();
    boolean ground = place != null && !place.leftForGood() && opens.getAsBoolean();
    if (engine == null && life.isPresent() && ground) {
      beginEngine(now, life.get(), place);
    } else if (engine == null && life.isEmpty()) {
      trouble = null;
    }
  }

  @GuardedBy("turn")
  private void lookAtEngine(ModuleProbe now, Optional<String> life) {
    StateLocation place = locations.get();
    boolean moved = place != null && !place.directory().equals(usedLocation.directory());
    if (usedLocation.leftForGood() || moved) {
      endEngine("another state directory is configured");
    } else if (now != null && !life.equals(Optional.of(engine.module().incarnation()))) {
      endEngine(
          life.isEmpty() ? "the kernel module was unloaded" : "the kernel module was loaded anew");
    } else {
      engine.tick();
      letModuleRest(now);
      if (now != null && engine.module().isAway()) {
        takeUpBridge(now);
      }
    }
  }

  /** With nothing of ours in the kernel it can be unloaded, though an engine is there. */
  @GuardedBy("turn")
  private void letModuleRest(ModuleProbe now) {
    KernelEngine present = engine;
    if (now != null && present.isIdle()) {
      present.module().rest(() -> findAgain(now, present.module().incarnation()));
    }
  }

  private static KernelModule findAgain(ModuleProbe probe, String life) throws BlksnapException {
    Optional<KernelModule> found = probe.find();
    if (found.isPresent() && probe.incarnation().equals(Optional.of(life))) {
      return found.get();
    }
    found.ifPresent(KernelModule::close);
    throw new BlksnapException(
        Errno.ESHUTDOWN, "the kernel module was unloaded, or loaded anew; ask once more");
  }

  @GuardedBy("turn")
  private void takeUpBridge(ModuleProbe now) {
    try {
      Optional<KernelModule> next = now.find();
      if (next.isPresent()) {
        engine.module().provide(next.get());
        engine.renew();
      }
      tell(null);
    } catch (BlksnapException e) {
      tell(e);
    }
    if (probes.get() != now) {
      letBridgeGo();
    }
  }

  /** Said once in the log, and by the doctor as long as it is so. */
  private void tell(BlksnapException now) {
    BlksnapException before = trouble;
    trouble = now;
    if (now != null && (before == null || !before.toString().equals(now.toString()))) {
      LOG.error("the kernel engine does not work: {}", now.toString());
    }
  }

  @GuardedBy("turn")
  private void beginEngine(ModuleProbe now, String life, StateLocation place) {
    PresentModule module = null;
    try {
      Optional<KernelModule> found = now.find();
      if (found.isEmpty()) {
        return;
      }
      module = new PresentModule(found.get(), life, PATIENCE);
      requireFeatures(module);
      KernelEngine made = maker.make(module, place);
      module = null;
      usedLocation = place;
      engine = made;
      tell(null);
      EventProvider present = listeners.get();
      if (present != null) {
        made.events().provide(present);
      }
      registrations = registering.apply(made);
      LOG.info("the kernel engine works with {}", made.module().dialect().text());
    } catch (BlksnapException e) {
      tell(e);
    } finally {
      if (module != null) {
        module.end("it did not begin");
      }
    }
  }

  private static void requireFeatures(PresentModule module) throws BlksnapException {
    for (ModuleFeature feature : NEEDED) {
      if (!module.can(feature)) {
        throw new BlksnapException(
            Errno.EOPNOTSUPP,
            "the module that is loaded speaks "
                + module.dialect().text()
                + ", of which the kernel engine can make nothing: there it is not so that "
                + feature.text()
                + "; load this project's module (native-module/README.md)");
      }
    }
  }

  @GuardedBy("turn")
  private void endEngine(String why) {
    KernelEngine old = engine;
    if (old == null) {
      return;
    }
    registrations.forEach(ModuleWatch::unregister);
    registrations = List.of();
    old.close(why);
    engine = null;
    LOG.info("the kernel engine has stopped: {}", why);
  }

  private static void unregister(ServiceRegistration<?> registered) {
    try {
      if (registered != null) {
        registered.unregister();
      }
    } catch (IllegalStateException e) {
      LOG.debug("the framework has unregistered the service already");
    }
  }

  /** All stays in the kernel: filters, snapshots, images. */
  void close() {
    KernelEngine now = engine;
    if (now != null) {
      // Whoever waits for a bridge with the turn in hand goes on.
      now.module().end("its bundle stops");
    }
    turn.lock();
    try {
      gone = true;
      endEngine("its bundle stops");
    } finally {
      turn.unlock();
    }
  }
}
