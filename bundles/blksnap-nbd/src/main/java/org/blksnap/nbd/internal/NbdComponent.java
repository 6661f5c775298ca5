// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.export.Export;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.export.ExportSource;
import org.blksnap.api.export.ServingThreads;
import org.blksnap.api.handover.HandoverShelf;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.nbd.internal.export.Access;
import org.blksnap.nbd.internal.export.Exports;
import org.blksnap.nbd.internal.server.ListenAddress;
import org.blksnap.nbd.internal.server.Listener;
import org.blksnap.nbd.internal.server.NbdFindings;
import org.blksnap.nbd.internal.server.NbdOptions;
import org.blksnap.nbd.internal.server.NbdServer;
import org.blksnap.nbd.internal.server.Settings;
import org.blksnap.nbd.internal.session.Limits;
import org.blksnap.nbd.internal.session.TlsIdentity;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server as a component: configuration in, exports and findings out.
 *
 * <p>Immediate: clients come by sockets, whether or not a bundle asks for the service.
 *
 * <p>References are bound before activation, so this class is activated by a method: what a
 * predecessor left on the shelf must be adopted before a socket is bound. Changed values take
 * effect at once; addresses are rebound only where they changed, and clients stay. A refused
 * configuration leaves the one in force; at the start the defaults serve instead.
 */
@Component(
    immediate = true,
    configurationPid = NbdOptions.PID,
    service = {ExportService.class, Examination.class})
@Designate(ocd = NbdOptions.class)
public final class NbdComponent implements ExportService, Examination {
  static final String PARKED = "nbd.connections";

  /** Longest wait of a client that negotiates for an engine that went away. */
  static final Duration PATIENCE = Duration.ofSeconds(10);

  /**
   * Longest wait of a request for an engine that went away, before it fails. An engine that is
   * updated is back in a fraction of a second; a block device that is far behind with what was
   * written to it may keep it longer.
   */
  static final Duration PATIENCE_UNDER_WAY = Duration.ofSeconds(30);

  private static final Logger LOG = LoggerFactory.getLogger(NbdComponent.class);

  private final Exports exports = new Exports(PATIENCE, PATIENCE_UNDER_WAY);
  private final NbdServer server = new NbdServer(exports, Limits.DEFAULTS);

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile HandoverShelf shelf;

  private volatile boolean stopped;
  private volatile Bundle own;

  /** Null where nobody wants to know. */
  @GuardedBy("this")
  private ServingThreads serving;

  /** Null until the engine has found its own. */
  @GuardedBy("this")
  private Path state;

  /** Null until the activation. */
  @GuardedBy("this")
  private Map<String, ?> configured;

  @GuardedBy("this")
  private String refusal = "";

  @GuardedBy("this")
  private final List<String> failures = new ArrayList<>();

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindEngine(SnapshotService engine, Map<String, Object> properties) {
    exports.arrived(String.valueOf(properties.get(SnapshotService.ENGINE)), engine);
  }

  /** Ignored once this one stops: requests under way then end on the engine they began on. */
  void unbindEngine(SnapshotService engine, Map<String, Object> properties) {
    if (stopped) {
      return;
    }
    exports.left(String.valueOf(properties.get(SnapshotService.ENGINE)), engine);
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindSource(ExportSource source, Map<String, Object> properties) {
    exports.sources().arrived(source, id(properties));
  }

  /** Ignored once this one stops, as above. */
  void unbindSource(ExportSource source, Map<String, Object> properties) {
    if (!stopped) {
      exports.sources().left(source, id(properties));
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  synchronized void bindServing(ServingThreads told) {
    serving = told;
    server.begun(told::begun);
  }

  synchronized void unbindServing(ServingThreads told) {
    if (serving == told) {
      serving = null;
      server.begun(() -> {});
    }
  }

  private static long id(Map<String, Object> properties) {
    return properties.get(Constants.SERVICE_ID) instanceof Long id ? id : 0;
  }

  /**
   * Where the socket is, if nobody says another place. It moves with the state directory; while the
   * engine is away it stays where it was.
   */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  synchronized void bindState(StateLocation location) {
    if (location.directory().equals(state)) {
      return;
    }
    state = location.directory();
    if (configured != null) {
      listen(configured);
    }
  }

  synchronized void unbindState(StateLocation location) {
    LOG.debug("the engine has left {}", location.directory());
  }

  @Activate
  synchronized void activate(BundleContext context, Map<String, Object> raw) {
    own = context.getBundle();
    start(state, raw);
  }

  /** As activation, with the state directory found already, or null. */
  synchronized void start(Path stateDirectory, Map<String, ?> raw) {
    state = stateDirectory;
    configured = raw;
    HandoverShelf now = shelf;
    if (now != null && now.fetch(PARKED).orElse(null) instanceof Map<?, ?> left) {
      server.adopt(left);
    }
    listen(raw);
  }

  private synchronized void listen(Map<String, ?> raw) {
    if (state == null && Settings.needsState(raw)) {
      refusal = "nothing is served before the engine has its state directory, where the socket is";
      LOG.info("{}", refusal);
      return;
    }
    if (!applied(raw) && !applied(Map.of())) {
      LOG.error("nothing is served: {}", refusal);
    }
  }

  @Modified
  synchronized void modified(Map<String, Object> raw) {
    configured = raw;
    if (state == null) {
      listen(raw);
    } else {
      applied(raw);
    }
  }

  private synchronized boolean applied(Map<String, ?> raw) {
    try {
      apply(Settings.of(raw, state));
      refusal = raw.isEmpty() ? refusal : "";
      return true;
    } catch (BlksnapException e) {
      refusal = e.getMessage();
      LOG.warn("{}: {}", NbdOptions.PID, refusal);
      return false;
    } catch (IOException e) {
      refusal = e.getMessage() + "; the value in force stays";
      LOG.warn("{}: {}", NbdOptions.PID, refusal);
      return false;
    }
  }

  private synchronized void apply(Settings settings) throws IOException {
    TlsIdentity tls =
        settings.keystore() == null
            ? null
            : TlsIdentity.load(
                settings.keystore(), settings.passwordFile(), settings.clientCertificate());
    server.limits(settings.limits());
    failures.clear();
    for (ListenAddress address : settings.addresses()) {
      try {
        boolean local = address.socket() != null;
        server.listen(address, local ? null : tls, local ? Access.ALL : settings.tcpAccess());
        LOG.info("NBD server listens on {}", address);
      } catch (IOException e) {
        failures.add(e.getMessage());
        LOG.error("{}", e.getMessage());
      }
    }
    server.forgetAdopted();
    if (failures.isEmpty()) {
      server.keepOnly(settings.addresses());
    }
  }

  /** Leaves sockets and clients on the shelf where there is one, else ends them. Bounded. */
  @Deactivate
  void deactivate() {
    stopped = true;
    HandoverShelf now = shelf;
    if (now == null) {
      server.close();
    } else {
      loadAll();
      now.leave(PARKED, server.park());
    }
  }

  /**
   * Loads every class of this bundle. Threads that finish a request outlive the bundle's jar, which
   * an update takes away.
   */
  private void loadAll() {
    Bundle bundle = own;
    Enumeration<URL> classes =
        bundle == null ? null : bundle.findEntries("org/blksnap/nbd", "*.class", true);
    while (classes != null && classes.hasMoreElements()) {
      String path = classes.nextElement().getPath();
      int begin = path.startsWith("/") ? 1 : 0;
      String name = path.substring(begin, path.length() - ".class".length()).replace('/', '.');
      try {
        bundle.loadClass(name);
      } catch (ClassNotFoundException | LinkageError e) {
        LOG.debug("class {}", name, e);
      }
    }
  }

  @Override
  public List<Export> exports() {
    return server.served();
  }

  @Override
  public List<String> listeners() {
    return server.listeners().stream().map(l -> l.uri("")).toList();
  }

  @Override
  public List<Finding> examine() {
    List<Finding> findings = new ArrayList<>();
    synchronized (this) {
      for (String failure : failures) {
        findings.add(
            NbdFindings.finding(
                Finding.Severity.ERROR, failure, "correct " + NbdOptions.PID + " and restart"));
      }
      if (!refusal.isEmpty()) {
        findings.add(
            NbdFindings.finding(
                Finding.Severity.WARNING, refusal, "set a value in the range allowed"));
      }
    }
    for (Listener listener : server.listeners()) {
      findings.add(NbdFindings.of(listener, server.connectionCount()));
      NbdFindings.openDoor(listener).ifPresent(findings::add);
    }
    NbdFindings.full(server).ifPresent(findings::add);
    findings.addAll(NbdFindings.sources(exports));
    if (findings.isEmpty()) {
      findings.add(
          NbdFindings.finding(
              Finding.Severity.NOTE,
              "the server listens nowhere",
              "set socket_path or tcp_address of " + NbdOptions.PID));
    }
    return findings;
  }
}
