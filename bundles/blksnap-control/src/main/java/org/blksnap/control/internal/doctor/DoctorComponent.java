// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.health.Doctor;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Examined;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.SnapshotService;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * The doctor: what it looks at itself through the services, and what each bundle says of its own
 * health. Here and not in the shell, so that any bundle may ask, and so that it outlives what it
 * looks at.
 *
 * <p>States: each service is present or absent; of two for one engine the one with the higher
 * ranking counts. What is asked of a service stands beside it as one object as long as the service
 * is there, since {@link Examiner} knows by the object which one still hangs. Immediate, so that
 * this is known from one caller to the next.
 */
@Component(service = Doctor.class, immediate = true)
public final class DoctorComponent implements Doctor {
  /** Both questions to one engine. */
  private record EngineChecks(DevicesCheck devices, SnapshotsCheck snapshots) {}

  private final Map<ServiceReference<SnapshotService>, EngineChecks> engines =
      new ConcurrentHashMap<>();
  private final Map<ServiceReference<Parameters>, ParametersCheck> parameters =
      new ConcurrentHashMap<>();
  private final Map<ServiceReference<Examination>, Examination> examinations =
      new ConcurrentHashMap<>();
  private final Examination services = new ServicesCheck(this::present);
  private final Examiner examiner = new Examiner();

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile ExportService exports;

  @Override
  public List<Examined> examine() {
    List<Examination> own = new ArrayList<>();
    own.add(services);
    own.addAll(best(parameters).values());
    for (EngineChecks checks : best(engines).values()) {
      own.add(checks.devices());
      own.add(checks.snapshots());
    }
    List<Examination> all = new ArrayList<>(own);
    all.addAll(examinations.values());
    List<Examined> answers = new ArrayList<>(examiner.ask(all));
    answers.subList(own.size(), answers.size()).sort(Comparator.comparing(Examined::subject));
    return List.copyOf(answers);
  }

  private ServicesCheck.Present present() {
    return new ServicesCheck.Present(
        best(engines).keySet(), !parameters.isEmpty(), exports != null);
  }

  /** By engine: references are in order of their ranking, so the last one put counts. */
  private static <S, T> TreeMap<String, T> best(Map<ServiceReference<S>, T> offers) {
    TreeMap<String, T> best = new TreeMap<>();
    offers.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(offer -> best.put(engine(offer.getKey()), offer.getValue()));
    return best;
  }

  private static String engine(ServiceReference<?> reference) {
    Object name = reference.getProperty(SnapshotService.ENGINE);
    return name == null ? ParametersCheck.USUAL_ENGINE : name.toString();
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void addEngine(SnapshotService service, ServiceReference<SnapshotService> reference) {
    String name = engine(reference);
    engines.put(
        reference,
        new EngineChecks(new DevicesCheck(name, service), new SnapshotsCheck(name, service)));
  }

  void removeEngine(ServiceReference<SnapshotService> reference) {
    engines.remove(reference);
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void addParameters(Parameters service, ServiceReference<Parameters> reference) {
    parameters.put(reference, new ParametersCheck(engine(reference), service));
  }

  void removeParameters(ServiceReference<Parameters> reference) {
    parameters.remove(reference);
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void addExamination(Examination service, ServiceReference<Examination> reference) {
    examinations.put(reference, service);
  }

  void removeExamination(ServiceReference<Examination> reference) {
    examinations.remove(reference);
  }
}
