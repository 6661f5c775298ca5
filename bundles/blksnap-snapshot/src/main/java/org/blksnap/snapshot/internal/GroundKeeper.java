// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.snapshot.internal.control.EngineParameters;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
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
 * Gives the engine its {@link Ground}. State directory and parameters are services of a bundle that
 * may be updated while the engine works. An engine that went with them would leave its memory
 * storage on the shelf of that very bundle, and lose it; so the engine needs them to begin, and
 * goes on without them.
 *
 * <pre>
 * waiting ──both have been there──► standing ──the directory is left for good──► waiting
 *                                     │  ▲
 *                                     └──┘ a service goes, or comes again with the same directory
 * </pre>
 *
 * <p>A directory is left for good where the service says so as it goes, or where the next one names
 * another directory: it was configured while the bundle was away.
 *
 * <p>{@link #turn} is held while the engine comes or goes, so that the engine of one directory is
 * closed before that of the next is opened. Nothing the engine does then calls back here.
 */
@Component(
    service = {},
    immediate = true)
public final class GroundKeeper {
  private static final Logger LOG = LoggerFactory.getLogger(GroundKeeper.class);

  private final BundleContext context;
  private final SeenParameters parameters = new SeenParameters();
  private final ReentrantLock turn = new ReentrantLock(true);

  @GuardedBy("turn")
  private boolean active;

  /** Null while it is away. */
  @GuardedBy("turn")
  private StateLocation location;

  /** Null while waiting. */
  @GuardedBy("turn")
  private Ground ground;

  @GuardedBy("turn")
  private ServiceRegistration<Ground> registration;

  @Activate
  public GroundKeeper(BundleContext context) {
    this.context = context;
  }

  /** What is there already was bound before. */
  @Activate
  void begin() {
    turn.lock();
    try {
      active = true;
      settle();
    } finally {
      turn.unlock();
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindState(StateLocation present) {
    turn.lock();
    try {
      location = present;
      settle();
    } finally {
      turn.unlock();
    }
  }

  void unbindState(StateLocation gone) {
    turn.lock();
    try {
      if (location != gone) {
        return;
      }
      location = null;
      if (gone.leftForGood()) {
        leave();
      } else if (active && ground != null) {
        LOG.info("the engine goes on in {}, whose service is away", ground.directory());
      }
    } finally {
      turn.unlock();
    }
  }

  @Reference(
      target = "(" + SnapshotService.ENGINE + "=" + Engine.NAME + ")",
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindParameters(Parameters present) {
    turn.lock();
    try {
      parameters.came(present);
      settle();
    } finally {
      turn.unlock();
    }
  }

  void unbindParameters(Parameters gone) {
    turn.lock();
    try {
      parameters.went(gone);
    } finally {
      turn.unlock();
    }
  }

  @GuardedBy("turn")
  private void settle() {
    if (!active || location == null) {
      return;
    }
    if (ground != null && !ground.isAt(location)) {
      leave();
    }
    if (ground == null && parameters.known()) {
      Ground found = new Ground(location, new EngineParameters(parameters));
      ground = found;
      try {
        registration = context.registerService(Ground.class, found, null);
      } catch (IllegalStateException stopping) {
        LOG.debug("the bundle stops");
      }
    }
  }

  /** For good. */
  @GuardedBy("turn")
  private void leave() {
    if (ground != null) {
      ground.leaveForGood();
      unregister();
    }
  }

  @GuardedBy("turn")
  private void unregister() {
    ServiceRegistration<Ground> old = registration;
    ground = null;
    registration = null;
    try {
      if (old != null) {
        old.unregister();
      }
    } catch (IllegalStateException gone) {
      LOG.debug("the framework has unregistered it already");
    }
  }

  /** The bundle stops: mostly a successor follows. */
  @Deactivate
  void close() {
    turn.lock();
    try {
      active = false;
      unregister();
    } finally {
      turn.unlock();
    }
  }
}
