// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.Hashtable;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.health.Examination;
import org.blksnap.api.snapshot.SnapshotParticipant;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.snapshot.internal.control.Room;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.event.EventProvider;
import org.blksnap.spi.storage.StorageProvider;
import org.blksnap.spi.tracker.TrackerProvider;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.SynchronousBundleListener;
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
 * Binds the engine to the framework. The rooms are optional dynamic references, so that each may be
 * swapped while the engine lives; the service itself is registered when all of them have been there
 * once, and stays until the engine goes.
 *
 * <p>It has no configuration of its own, so that no bad value can keep it from coming: the times
 * are {@link EngineTimes}', live, and it lives as long as there is {@link Ground} for it.
 *
 * <p>When the framework as a whole stops, bundles go one after another, the rooms maybe before the
 * engine. So the engine closes at the framework's first word of it, while everybody is still there.
 */
@Component(
    service = {},
    immediate = true)
public final class EngineComponent {
  private static final Logger LOG = LoggerFactory.getLogger(EngineComponent.class);

  /** Reasons of a deactivation, as the component specification numbers them. */
  private static final int REFERENCE = 2;

  private static final int BUNDLE_STOPPED = 6;

  private final BundleContext context;
  private final Ground ground;
  private final Engine engine;
  private final SynchronousBundleListener frameworkStop;

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  private volatile List<SnapshotParticipant> participants;

  @GuardedBy("this")
  private ServiceRegistration<SnapshotService> service;

  @GuardedBy("this")
  private ServiceRegistration<Examination> examination;

  @GuardedBy("this")
  private boolean gone;

  @Activate
  public EngineComponent(
      BundleContext context, @Reference Ground ground, @Reference EngineTimes times)
      throws BlksnapException {
    this.context = context;
    this.ground = ground;
    this.engine =
        new Engine(
            ground.directory(),
            ground.hotChoice(),
            ground.parameters(),
            this::runs,
            times::settings,
            this::currentParticipants);
    this.frameworkStop =
        event -> {
          if (event.getBundle().getBundleId() == 0 && event.getType() == BundleEvent.STOPPING) {
            go(false);
          }
        };
    context.addBundleListener(frameworkStop);
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

  private List<SnapshotParticipant> currentParticipants() {
    List<SnapshotParticipant> now = participants;
    return now == null ? List.of() : List.copyOf(now);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindDevice(DeviceProvider provider) {
    provided(Room.DEVICE, provider);
  }

  void unbindDevice(DeviceProvider provider) {
    engine.withdraw(Room.DEVICE, provider);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindTracker(TrackerProvider provider) {
    provided(Room.TRACKER, provider);
  }

  void unbindTracker(TrackerProvider provider) {
    engine.withdraw(Room.TRACKER, provider);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindChunk(ChunkEngine provider) {
    provided(Room.CHUNK, provider);
  }

  void unbindChunk(ChunkEngine provider) {
    engine.withdraw(Room.CHUNK, provider);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindStorage(StorageProvider provider) {
    provided(Room.STORAGE, provider);
  }

  void unbindStorage(StorageProvider provider) {
    engine.withdraw(Room.STORAGE, provider);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindEvents(EventProvider provider) {
    engine.provideEvents(provider);
  }

  void unbindEvents(EventProvider provider) {
    engine.withdrawEvents(provider);
  }

  private void provided(Room room, Object provider) {
    if (engine.provide(room, provider)) {
      register();
    }
  }

  private synchronized void register() {
    if (service != null || gone) {
      return;
    }
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put(SnapshotService.ENGINE, Engine.NAME);
    examination = context.registerService(Examination.class, engine.examination(), null);
    service = context.registerService(SnapshotService.class, new Ownership(engine), properties);
  }

  /**
   * A bundle that stops is mostly being updated, or will be started again: a successor follows. A
   * changed configuration that names another state directory leaves this one for good.
   */
  @Deactivate
  void close(int reason) {
    go((reason == BUNDLE_STOPPED || reason == REFERENCE) && !ground.leftForGood());
  }

  private void go(boolean successorFollows) {
    ServiceRegistration<SnapshotService> registered;
    ServiceRegistration<Examination> examined;
    synchronized (this) {
      if (gone) {
        return;
      }
      gone = true;
      registered = service;
      examined = examination;
    }
    if (successorFollows) {
      engine.prepareToLeave();
    }
    try {
      if (registered != null) {
        registered.unregister();
        examined.unregister();
      }
      context.removeBundleListener(frameworkStop);
    } catch (IllegalStateException e) {
      LOG.debug("the framework has unregistered the service already");
    }
    if (successorFollows) {
      engine.leaveToSuccessor();
    } else {
      engine.close();
    }
  }
}
