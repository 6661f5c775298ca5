// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
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
 * Binds the kernel engine to the framework: {@link ModuleWatch} looks each second, so nothing has
 * to be restarted when a module is loaded or unloaded. References are read once into a local.
 */
@Component(service = Examination.class, immediate = true)
public final class KernelComponent implements Examination {
  /** Between two looks. */
  static final long LOOK_MILLIS = 1000;

  private static final Logger LOG = LoggerFactory.getLogger(KernelComponent.class);

  private final BundleContext context;
  private final ModuleWatch watch;
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

  @Activate
  public KernelComponent(BundleContext context) {
    this.context = context;
    this.watch =
        new ModuleWatch(
            () -> probe, () -> location, () -> listeners, this::opens, this::make, this::register);
  }

  @Activate
  void begin() {
    clock.scheduleWithFixedDelay(watch::look, 0, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void lookSoon() {
    try {
      clock.execute(watch::look);
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
      watch.letBridgeGo();
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
    KernelEngine now = watch.engine();
    if (now != null) {
      now.events().provide(present);
    }
  }

  void unbindEvents(EventProvider old) {
    if (listeners == old) {
      listeners = null;
    }
    KernelEngine now = watch.engine();
    if (now != null) {
      now.events().withdraw(old);
    }
  }

  /** For tests: what the framework would inject. */
  <T extends DeviceProvider & HostOperations> void provide(T both) {
    devices = both;
    host = both;
  }

  private boolean opens() {
    return devices != null && host != null;
  }

  private KernelEngine make(PresentModule module, StateLocation place) throws BlksnapException {
    return new KernelEngine(
        new EngineGround(
            place.directory(),
            module,
            new LinuxDisks(),
            () -> devices,
            () -> host,
            this::currentParticipants,
            this::runs));
  }

  /** Answers what is to be unregistered, in this order. */
  private List<ServiceRegistration<?>> register(KernelEngine made) {
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put(SnapshotService.ENGINE, KernelEngine.NAME);
    List<ServiceRegistration<?>> registered = new ArrayList<>();
    try {
      registered.add(
          context.registerService(
              new String[] {Parameters.class.getName(), ConfigurationListener.class.getName()},
              new KernelParameters(
                  made.module(), made.stateRoot(), new Configured(() -> configurations)),
              properties));
      registered.add(
          0, context.registerService(SnapshotService.class, new Ownership(made), properties));
    } catch (IllegalStateException stopping) {
      LOG.debug("the bundle stops");
    }
    return registered;
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
    return new KernelFindings(
            probe, location != null, devices != null, watch.engine(), watch.trouble())
        .all();
  }

  /** All stays in the kernel: filters, snapshots, images. */
  @Deactivate
  void close() {
    clock.shutdownNow();
    watch.close();
  }
}
