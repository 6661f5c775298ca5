// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.impl.action.command.ManagerImpl;
import org.apache.karaf.shell.impl.console.SessionFactoryImpl;
import org.apache.karaf.shell.support.CommandException;
import org.blksnap.api.export.Export;
import org.blksnap.api.export.ExportKind;
import org.blksnap.api.export.ExportService;
import org.blksnap.api.health.Doctor;
import org.blksnap.api.health.Examined;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.SnapshotService;

/** The real shell with this bundle's commands on services of the test. */
public final class TestShell implements AutoCloseable {
  static final Duration WAIT = Duration.ofMillis(30);

  public final Engines engines;
  public final FakeEngine engine = new FakeEngine();
  public final FakeParameters parameters = new FakeParameters();
  public final ByteArrayOutputStream output = new ByteArrayOutputStream();
  public final Session session;

  /** What the doctor finds. */
  public final List<Finding> findings = new ArrayList<>();

  /** Device nodes of the test. */
  public final FakeNodes nodes = new FakeNodes();

  private final FakeExports exports = new FakeExports();
  private final Doctor doctor =
      () ->
          List.of(
              new Examined("services", Examined.Outcome.ANSWERED, Duration.ZERO, services()),
              new Examined("host", Examined.Outcome.ANSWERED, Duration.ZERO, findings));
  private final ThreadIOImpl threadIo = new ThreadIOImpl();

  /** An engine, parameters and exports; no device yet. */
  public TestShell() throws Exception {
    engines = new Engines(WAIT);
    engines.addEngine(engine, Map.of(SnapshotService.ENGINE, "userspace"));
    engines.addParameters(parameters, Map.of(SnapshotService.ENGINE, "userspace"));
    engines.setExports(exports);
    engines.setNodes(nodes);
    engines.setDoctor(doctor);
    threadIo.start();
    SessionFactoryImpl factory = new SessionFactoryImpl(threadIo);
    factory.getRegistry().register(engines);
    ManagerImpl manager = new ManagerImpl(factory.getRegistry(), factory.getRegistry());
    for (Class<?> type : CommandClasses.services()) {
      manager.register(type);
    }
    PrintStream out = new PrintStream(output, true, StandardCharsets.UTF_8);
    session = factory.create(new ByteArrayInputStream(new byte[0]), out, out);
  }

  private static List<Finding> services() {
    return List.of(new Finding(Finding.Severity.OK, "engines", "running: userspace", ""));
  }

  /** As while every bundle below is being replaced. */
  public void loseServices() {
    engines.removeEngine(engine);
    engines.removeParameters(parameters);
    engines.unsetExports(exports);
    engines.unsetNodes(nodes);
    engines.unsetDoctor(doctor);
  }

  /** One more engine. */
  public void addEngine(String name, FakeEngine more) {
    engines.addEngine(more, Map.of(SnapshotService.ENGINE, name));
  }

  public FakeDevice attach(Path path) throws Exception {
    return (FakeDevice) engine.attach(AttachRequest.of(path));
  }

  /** A snapshot just created. */
  public FakeSnapshot create() throws Exception {
    run("blksnap:snapshot-create");
    return last();
  }

  /** The snapshot created last. */
  public FakeSnapshot last() {
    List<FakeSnapshot> all = List.copyOf(engine.snapshots.values());
    return all.get(all.size() - 1);
  }

  /** What the command printed. */
  public String run(String line) throws Exception {
    output.reset();
    session.execute(line);
    return output.toString(StandardCharsets.UTF_8);
  }

  public JsonElement json(String line) throws Exception {
    return JsonParser.parseString(run(line + " --json"));
  }

  /** The one line a refused command shows. */
  public String refused(String line) {
    return assertThrows(CommandException.class, () -> run(line)).getNiceHelp();
  }

  @Override
  public void close() {
    session.close();
    threadIo.stop();
  }

  /** Serves every device and every image under its name. */
  final class FakeExports implements ExportService {
    @Override
    public List<Export> exports() {
      Stream<Export> devices =
          engine.devices().stream()
              .map(
                  d ->
                      new Export(
                          d.name(),
                          ExportKind.DEVICE,
                          d.capacity(),
                          false,
                          "nbd+unix:///" + d.name(),
                          2));
      Stream<Export> images =
          engine.images().stream()
              .map(
                  i ->
                      new Export(
                          i.name(),
                          ExportKind.IMAGE,
                          i.capacity(),
                          false,
                          "nbd+unix:///" + i.name(),
                          0));
      return Stream.concat(devices, images).toList();
    }

    @Override
    public List<String> listeners() {
      return List.of();
    }
  }
}
