// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.health.Doctor;
import org.blksnap.api.node.DeviceNodes;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.SnapshotService;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * The services the commands talk to, as they come and go. Commands refer to this object alone: it
 * is there as long as this bundle, so no command vanishes from the shell while a bundle below is
 * being replaced.
 *
 * <p>States: each service is present or absent; nothing else is kept. A call that needs an absent
 * one waits for it up to {@link #SERVICE_WAIT}, which outlasts the gap of a hot swap, and is then
 * refused. Of two services for one engine the one with the higher ranking counts, so that a new
 * provider started beside an old one takes over. Left out: any choice between engines by what they
 * can do; that is {@link Locator}.
 */
@Component(name = "org.blksnap.shell.internal.Engines", service = Engines.class)
public final class Engines {
  /** Longest wait for a service that is absent; a swap's gap is well below. */
  static final Duration SERVICE_WAIT = Duration.ofSeconds(2);

  /** The engine that commands use where several could do. */
  public static final String PREFERRED = "userspace";

  /** An engine by its name. */
  public record Engine(String name, SnapshotService service) {}

  /** A service of one engine; of two for the same engine the one with the higher ranking counts. */
  private record Offer<T>(String engine, T service, int ranking) {
    static <T> Offer<T> of(T service, Map<String, Object> properties) {
      Object name = properties.get(SnapshotService.ENGINE);
      int ranking = properties.get(Constants.SERVICE_RANKING) instanceof Integer r ? r : 0;
      return new Offer<>(name == null ? PREFERRED : name.toString(), service, ranking);
    }

    static <T> TreeMap<String, T> best(List<Offer<T>> offers) {
      TreeMap<String, Offer<T>> best = new TreeMap<>();
      for (Offer<T> offer : offers) {
        best.merge(
            offer.engine(), offer, (old, next) -> next.ranking() > old.ranking() ? next : old);
      }
      TreeMap<String, T> services = new TreeMap<>();
      best.forEach((engine, offer) -> services.put(engine, offer.service()));
      return services;
    }
  }

  private final Duration serviceWait;

  @GuardedBy("this")
  private final List<Offer<SnapshotService>> offers = new ArrayList<>();

  @GuardedBy("this")
  private final List<Offer<Parameters>> parameters = new ArrayList<>();

  @GuardedBy("this")
  private ExportService exports;

  @GuardedBy("this")
  private DeviceNodes nodes;

  @GuardedBy("this")
  private Doctor doctor;

  Engines(Duration serviceWait) {
    this.serviceWait = serviceWait;
  }

  @Activate
  public Engines() {
    this(SERVICE_WAIT);
  }

  /** Every engine present, by name, without waiting. */
  public synchronized List<Engine> present() {
    return Offer.best(offers).entrySet().stream()
        .map(best -> new Engine(best.getKey(), best.getValue()))
        .toList();
  }

  /**
   * The engines to ask: the named one, or all for null. ESHUTDOWN where there is none after the
   * wait.
   */
  public List<Engine> required(String name) throws BlksnapException {
    return await(
        () -> {
          List<Engine> matching =
              present().stream().filter(e -> name == null || e.name().equals(name)).toList();
          return matching.isEmpty() ? null : matching;
        },
        name == null
            ? "the userspace engine is not running; present are no engines"
            : "the " + name + " engine is not running; present are " + names());
  }

  /** The engine to create things in: the named one; {@link #PREFERRED}, or the first, for null. */
  public Engine chosen(String name) throws BlksnapException {
    return required(name).stream()
        .min(
            Comparator.comparing((Engine e) -> !e.name().equals(PREFERRED))
                .thenComparing(Engine::name))
        .orElseThrow();
  }

  /** The parameters of the named engine; of {@link #PREFERRED}, or the first, for null. */
  public Parameters parameters(String engine) throws BlksnapException {
    return await(
        () -> presentParameters(engine).orElse(null),
        engine == null
            ? "the parameters service is not running"
            : "the parameters service of the " + engine + " engine is not running");
  }

  /** As {@link #parameters}, without waiting. */
  public Optional<Parameters> presentParameters(String engine) {
    TreeMap<String, Parameters> present = presentParameters();
    if (engine == null && !present.containsKey(PREFERRED)) {
      return present.values().stream().findFirst();
    }
    return Optional.ofNullable(present.get(engine == null ? PREFERRED : engine));
  }

  /** All sets of parameters present, by engine. */
  public synchronized TreeMap<String, Parameters> presentParameters() {
    return Offer.best(parameters);
  }

  public ExportService exports() throws BlksnapException {
    return await(() -> presentExports().orElse(null), "the export service is not running");
  }

  public synchronized Optional<ExportService> presentExports() {
    return Optional.ofNullable(exports);
  }

  public DeviceNodes nodes() throws BlksnapException {
    return await(
        () -> presentNodes().orElse(null),
        "the service of device nodes, of the bundle org.blksnap.node, is not running");
  }

  public synchronized Optional<DeviceNodes> presentNodes() {
    return Optional.ofNullable(nodes);
  }

  /** Without the doctor's bundle nothing else is looked at; ESHUTDOWN says which one that is. */
  public Doctor doctor() throws BlksnapException {
    return await(
        this::presentDoctor, "the doctor, of the bundle org.blksnap.control, is not running");
  }

  private synchronized Doctor presentDoctor() {
    return doctor;
  }

  private List<String> names() {
    return present().stream().map(Engine::name).toList();
  }

  private synchronized <T> T await(Supplier<T> service, String missing) throws BlksnapException {
    long deadline = System.nanoTime() + serviceWait.toNanos();
    T found = service.get();
    while (found == null) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        throw new BlksnapException(
            Errno.ESHUTDOWN,
            missing
                + " (waited "
                + serviceWait.toMillis()
                + " ms); see what is missing with scr:list and bundle:list, then start it");
      }
      try {
        wait(left / 1_000_000 + 1);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BlksnapException(Errno.EINTR, missing + "; the wait for it was interrupted", e);
      }
      found = service.get();
    }
    return found;
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  synchronized void addEngine(SnapshotService service, Map<String, Object> properties) {
    offers.add(Offer.of(service, properties));
    notifyAll();
  }

  synchronized void removeEngine(SnapshotService service) {
    offers.removeIf(offer -> offer.service() == service);
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  public synchronized void addParameters(Parameters service, Map<String, Object> properties) {
    parameters.add(Offer.of(service, properties));
    notifyAll();
  }

  public synchronized void removeParameters(Parameters service) {
    parameters.removeIf(offer -> offer.service() == service);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  synchronized void setExports(ExportService service) {
    exports = service;
    notifyAll();
  }

  synchronized void unsetExports(ExportService service) {
    if (exports == service) {
      exports = null;
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  public synchronized void setNodes(DeviceNodes service) {
    nodes = service;
    notifyAll();
  }

  public synchronized void unsetNodes(DeviceNodes service) {
    if (nodes == service) {
      nodes = null;
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  public synchronized void setDoctor(Doctor service) {
    doctor = service;
    notifyAll();
  }

  public synchronized void unsetDoctor(Doctor service) {
    if (doctor == service) {
      doctor = null;
    }
  }
}
