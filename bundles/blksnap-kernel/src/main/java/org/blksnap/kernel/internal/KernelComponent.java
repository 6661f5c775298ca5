// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.Hashtable;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.SnapshotParticipant;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.enginebase.thread.DaemonThreads;
import org.blksnap.kernel.internal.host.LinuxDisks;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.kernel.internal.parameter.Configured;
import org.blksnap.kernel.internal.parameter.KernelParameters;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.event.EventProvider;
import org.blksnap.spi.host.HostOperations;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.ModuleFeature;
import org.blksnap.spi.module.ModuleProbe;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ConfigurationListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for a kernel module, and registers an engine while one is loaded. It looks each second, so
 * nothing has to be restarted when a module is loaded or unloaded.
 *
 * <pre>
 * waiting ──module and state directory there──► working ──unloaded, loaded anew, directory left──► waiting
 *                                                │  ▲
 *                                                └──┘ the bridge (org.blksnap.ioctl) is swapped
 * </pre>
 *
 * <p>{@link #turn} is held while an engine comes or goes, in one thread of its own but for the end.
 * References are read once into a local.
 */
@Component(service = Examination.class, immediate = true)
public final class KernelComponent implements Examination {
  /** Between two looks. */
  static final long LOOK_MILLIS = 1000;

  /** How long a call waits for a bridge that is being swapped. */
  static final Duration PATIENCE = Duration.ofSeconds(15);

  private static final Logger LOG = LoggerFactory.getLogger(KernelComponent.class);

  /** Without these nothing can be done here. */
  private static final List<ModuleFeature> NEEDED =
      List.of(ModuleFeature.ATTACH, ModuleFeature.ADD_DEVICE, ModuleFeature.APPEND_STORAGE);

  private final BundleContext context;
  private final ReentrantLock turn = new ReentrantLock(true);
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(DaemonThreads.named("blksnap-kernel-watch"));

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  private volatile List<SnapshotParticipant> participants;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile DeviceProvider devices;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile HostOperations host;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile ConfigurationAdmin configurations;

  private volatile ModuleProbe probe;
  private volatile StateLocation location;
  private volatile EventProvider listeners;

  /** Changed with the turn. */
  private volatile KernelEngine engine;

  /** Why there is no engine though a module is there; null for no reason. */
  private volatile BlksnapException trouble;

  @GuardedBy("turn")
  private StateLocation usedLocation;

  @GuardedBy("turn")
  private ServiceRegistration<SnapshotService> registration;

  @GuardedBy("turn")
  private ServiceRegistration<?> parameters;

  @GuardedBy("turn")
  private boolean gone;

  @Activate
  public KernelComponent(BundleContext context) {
    this.context = context;
  }

  @Activate
  void begin() {
    clock.scheduleWithFixedDelay(this::look, 0, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void lookSoon() {
    try {
      clock.execute(this::look);
    } catch (RejectedExecutionException stopping) {
      LOG.debug("the bundle stops");
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindProbe(ModuleProbe present) {
    probe = present;
    lookSoon();
  }

  /** Without the turn: whoever has it may wait for this very bridge. */
  void unbindProbe(ModuleProbe old) {
    if (probe == old) {
      probe = null;
      letBridgeGo();
    }
  }

  private void letBridgeGo() {
    KernelEngine now = engine;
    if (now != null) {
      now.module().withdraw();
      now.renew();
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindState(StateLocation present) {
    location = present;
    lookSoon();
  }

  void unbindState(StateLocation old) {
    if (location == old) {
      location = null;
    }
    lookSoon();
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindEvents(EventProvider present) {
    listeners = present;
    KernelEngine now = engine;
    if (now != null) {
      now.events().provide(present);
    }
  }

  void unbindEvents(EventProvider old) {
    if (listeners == old) {
      listeners = null;
    }
    KernelEngine now = engine;
    if (now != null) {
      now.events().withdraw(old);
    }
  }

  /** What is there now, and what follows from it. */
  private void look() {
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
    ModuleProbe now = probe;
    Optional<String> life = now == null ? Optional.empty() : now.incarnation();
    if (engine != null) {
      lookAtEngine(now, life);
    }
    StateLocation place = location;
    if (engine == null && life.isPresent() && place != null && !place.leftForGood()) {
      beginEngine(now, life.get(), place);
    } else if (engine == null && life.isEmpty()) {
      trouble = null;
    }
  }

  @GuardedBy("turn")
  private void lookAtEngine(ModuleProbe now, Optional<String> life) {
    StateLocation place = location;
    boolean moved = place != null && !place.directory().equals(usedLocation.directory());
    if (usedLocation.leftForGood() || moved) {
      endEngine("another state directory is configured");
    } else if (now != null && !life.equals(Optional.of(engine.module().incarnation()))) {
      endEngine(
          life.isEmpty() ? "the kernel module was unloaded" : "the kernel module was loaded anew");
    } else {
      engine.tick();
      if (now != null && engine.module().isAway()) {
        takeUpBridge(now);
      }
    }
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
    if (probe != now) {
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
      KernelEngine made =
          new KernelEngine(
              new KernelEngine.Ground(
                  place.directory(),
                  module,
                  new LinuxDisks(),
                  () -> devices,
                  () -> host,
                  this::currentParticipants,
                  this::runs));
      module = null;
      usedLocation = place;
      engine = made;
      tell(null);
      EventProvider present = listeners;
      if (present != null) {
        made.events().provide(present);
      }
      register(made);
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
  private void register(KernelEngine made) {
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put(SnapshotService.ENGINE, KernelEngine.NAME);
    KernelParameters mirrored =
        new KernelParameters(made.module(), made.stateRoot(), new Configured(() -> configurations));
    try {
      parameters =
          context.registerService(
              new String[] {Parameters.class.getName(), ConfigurationListener.class.getName()},
              mirrored,
              properties);
      registration =
          context.registerService(SnapshotService.class, new Ownership(made), properties);
      LOG.info("the kernel engine works with {}", made.module().dialect().text());
    } catch (IllegalStateException stopping) {
      LOG.debug("the bundle stops");
    }
  }

  @GuardedBy("turn")
  private void endEngine(String why) {
    KernelEngine old = engine;
    if (old == null) {
      return;
    }
    unregister(registration);
    unregister(parameters);
    registration = null;
    parameters = null;
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

  private List<SnapshotParticipant> currentParticipants() {
    List<SnapshotParticipant> now = participants;
    return now == null ? List.of() : List.copyOf(now);
  }

  /** Whether a bundle of this symbolic name is there and not stopped. */
  private boolean runs(String owner) {
    try {
      for (Bundle bundle : context.getBundles()) {
        if (owner.equals(bundle.getSymbolicName())
            && (bundle.getState() & (Bundle.ACTIVE | Bundle.STARTING)) != 0) {
          return true;
        }
      }
      return false;
    } catch (IllegalStateException stopping) {
      return true;
    }
  }

  @Override
  public String subject() {
    return "kernel engine";
  }

  @Override
  public List<Finding> examine() {
    return new KernelFindings(probe, location != null, engine, trouble).all();
  }

  /** All stays in the kernel: filters, snapshots, images. */
  @Deactivate
  void close() {
    clock.shutdownNow();
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
