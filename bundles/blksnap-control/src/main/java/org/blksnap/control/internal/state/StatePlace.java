// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.state;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.control.internal.ControlConfig;
import org.blksnap.enginebase.record.StateRoot;
import org.blksnap.enginebase.thread.DaemonThreads;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one owner of the question where the state is: {@code state_directory} of PID {@code
 * org.blksnap.engine}, else the framework property, else below Karaf's data.
 *
 * <p>States: refused → found → (another one configured) → refused or found. While the directory is
 * found to be right ({@link StateRoot}) it is registered as a service; engine, NBD server and shell
 * take it from there. While it is refused it is looked at again each {@link #RETRY_SECONDS}, so
 * that the engine comes when the mount does, and the doctor says why it does not.
 */
@Component(service = Examination.class, immediate = true, configurationPid = StatePlace.PID)
@Designate(ocd = ControlConfig.class)
public final class StatePlace implements Examination {
  static final String PID = "org.blksnap.engine";

  static final int RETRY_SECONDS = 2;

  private static final Logger LOG = LoggerFactory.getLogger(StatePlace.class);
  private static final String SUBJECT = "state directory";
  private static final String PROPERTY = "blksnap.state.directory";
  private static final String MEMORY = "blksnap-state.record";

  private final BundleContext context;
  private final ScheduledExecutorService again =
      new ScheduledThreadPoolExecutor(1, DaemonThreads.named("blksnap-state-place"));

  @GuardedBy("this")
  private StateRoot wanted;

  @GuardedBy("this")
  private String hotChoice = "";

  @GuardedBy("this")
  private String refusal = "";

  @GuardedBy("this")
  private CheckedState found;

  @GuardedBy("this")
  private ServiceRegistration<?> registration;

  @GuardedBy("this")
  private boolean closed;

  @Activate
  public StatePlace(BundleContext context, Map<String, Object> configured) {
    this.context = context;
    want(configured);
    again.scheduleWithFixedDelay(this::look, RETRY_SECONDS, RETRY_SECONDS, TimeUnit.SECONDS);
  }

  @Modified
  void modified(Map<String, Object> configured) {
    want(configured);
  }

  private void want(Map<String, Object> configured) {
    ServiceRegistration<?> old = null;
    synchronized (this) {
      try {
        StateRoot now = resolve(configured);
        Object given = configured.get("hot_state_directory");
        String hot = given == null ? "" : given.toString().trim();
        if (wanted != null && wanted.root().equals(now.root()) && hot.equals(hotChoice)) {
          return;
        }
        wanted = now;
        hotChoice = hot;
        refusal = "";
      } catch (BlksnapException e) {
        wanted = null;
        refuse(e);
      }
      if (found != null) {
        found.leaveForGood();
        old = registration;
        found = null;
        registration = null;
      }
    }
    unregister(old);
    look();
  }

  private StateRoot resolve(Map<String, Object> configured) throws BlksnapException {
    String data = context.getProperty("karaf.data");
    Path byDefault = data == null ? null : Path.of(data, "blksnap").toAbsolutePath().normalize();
    Object given = configured.get("state_directory");
    String named = given == null ? "" : given.toString().trim();
    if (named.isEmpty()) {
      String property = context.getProperty(PROPERTY);
      named = property == null ? "" : property.trim();
    }
    if (named.isEmpty() && byDefault == null) {
      throw new BlksnapException(
          Errno.EINVAL,
          "no state directory: set state_directory in PID "
              + PID
              + ", or the property "
              + PROPERTY);
    }
    Path root = named.isEmpty() ? byDefault : Path.of(named).toAbsolutePath().normalize();
    return new StateRoot(root, root.equals(byDefault), data == null ? null : Path.of(data, MEMORY));
  }

  /** Registers what is found; told to others without the lock, since they ask back. */
  private void look() {
    CheckedState now;
    synchronized (this) {
      if (closed || found != null || wanted == null) {
        return;
      }
      try {
        wanted.check();
        now = new CheckedState(wanted.root(), hotChoice);
        found = now;
        refusal = "";
      } catch (BlksnapException e) {
        refuse(e);
        return;
      }
    }
    ServiceRegistration<?> registered;
    try {
      registered = context.registerService(StateLocation.class, now, null);
    } catch (IllegalStateException stopping) {
      LOG.debug("the bundle stops");
      return;
    }
    synchronized (this) {
      if (found == now && !closed) {
        registration = registered;
        return;
      }
    }
    unregister(registered);
  }

  @GuardedBy("this")
  private void refuse(BlksnapException why) {
    if (!refusal.equals(why.getMessage())) {
      refusal = why.getMessage();
      LOG.error("the engine waits: {}", refusal);
    }
  }

  private static void unregister(ServiceRegistration<?> old) {
    try {
      if (old != null) {
        old.unregister();
      }
    } catch (IllegalStateException gone) {
      LOG.debug("the framework has unregistered it already");
    }
  }

  @Deactivate
  void close() {
    ServiceRegistration<?> old;
    synchronized (this) {
      closed = true;
      old = registration;
      registration = null;
    }
    again.shutdownNow();
    unregister(old);
  }

  @Override
  public String subject() {
    return SUBJECT;
  }

  @Override
  public synchronized List<Finding> examine() {
    return refusal.isEmpty()
        ? List.of()
        : List.of(
            new Finding(
                Finding.Severity.ERROR,
                SUBJECT,
                refusal + "; until then no device is attached",
                "do what the message says; the engine looks again each "
                    + RETRY_SECONDS
                    + " seconds"));
  }
}
