// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.Test;

/**
 * From outside: an Apache Karaf as it is downloaded, into which the features are installed out of a
 * Maven repository of files. It reads no other repository, so that what it finds is what is built.
 */
public class StockKarafIT {
  private static final long COMMAND_LIMIT_SECONDS = 180;
  private static final String CONNECT_ATTEMPTS = "120";

  private static Path home;
  private static Process karaf;
  private static int port;

  @BeforeClass
  public static void installTheFeatures() throws Exception {
    Path place = Path.of("target", "stock").toAbsolutePath();
    deleteTree(place);
    Files.createDirectories(place);
    Path archive = Path.of(System.getProperty("stock.file"));
    finish(new ProcessBuilder("tar", "-xzf", archive.toString(), "-C", place.toString()), "", 0);
    home = place.resolve("apache-karaf-" + System.getProperty("karaf.version"));
    try (ServerSocket probe = new ServerSocket(0)) {
      port = probe.getLocalPort();
    }
    Path repository =
        Path.of(System.getProperty("dist.file")).resolveSibling("assembly").resolve("system");
    put(
        "etc/org.ops4j.pax.url.mvn.cfg",
        "org.ops4j.pax.url.mvn.localRepository = " + place.resolve("m2"),
        "org.ops4j.pax.url.mvn.repositories = ",
        "org.ops4j.pax.url.mvn.defaultRepositories = "
            + home.resolve("system").toUri()
            + "@id=stock, "
            + repository.toRealPath().toUri()
            + "@id=built");
    put(
        "etc/users.properties",
        "karaf = karaf,_g_:admingroup",
        "_g_\\:admingroup = group,admin,manager,viewer,systembundles,ssh");
    put("etc/org.apache.karaf.shell.cfg", "sshPort = " + port, "sshHost = 127.0.0.1");
    put("etc/org.apache.karaf.management.cfg", "rmiRegistryPort = 0", "rmiServerPort = 0");

    ProcessBuilder start = new ProcessBuilder(home.resolve("bin/karaf").toString(), "server");
    start.environment().put("JAVA_HOME", System.getProperty("java.home"));
    start.environment().put("EXTRA_JAVA_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");
    karaf =
        start.redirectErrorStream(true).redirectOutput(place.resolve("karaf.out").toFile()).start();
    client(
        "feature:repo-add mvn:org.blksnap/blksnap-feature/"
            + System.getProperty("blksnap.version")
            + "/xml/features\nfeature:install blksnap\n");
  }

  @AfterClass
  public static void stop() throws Exception {
    if (karaf == null) {
      return;
    }
    karaf.descendants().forEach(ProcessHandle::destroy);
    karaf.destroy();
    if (!karaf.waitFor(60, TimeUnit.SECONDS)) {
      karaf.descendants().forEach(ProcessHandle::destroyForcibly);
      karaf.destroyForcibly();
    }
  }

  @Test
  public void everyFeatureIsStarted() throws Exception {
    String features = client("feature:list -i --no-format\n");
    for (String feature : List.of("blksnap", "blksnap-core", "blksnap-nbd", "blksnap-shell")) {
      assertTrue(
          features,
          features.lines().anyMatch(line -> line.matches(feature + "\\s.*\\sStarted\\s.*")));
    }
  }

  @Test
  public void theEngineAnswers() throws Exception {
    Await.until(
        "the engine is registered",
        DistributionTestBase.PATIENCE,
        () -> client("blksnap:version\n").contains("2.0.0.0"));
  }

  @Test
  public void theDefaultConfigurationIsWritten() {
    for (String pid :
        List.of(
            "org.blksnap.parameters", "org.blksnap.nbd", "org.apache.karaf.command.acl.blksnap")) {
      assertTrue(pid, Files.exists(home.resolve("etc").resolve(pid + ".cfg")));
    }
  }

  @Test
  public void aFileIsAttachedAndSnapshotted() throws Exception {
    Path file = home.resolve("stock.img");
    Files.write(file, new byte[1 << 20]);
    String taken =
        client(
            "blksnap:device-attach --once --name stock "
                + file
                + "\nblksnap:snapshot --memory 4M stock\nblksnap:snapshot-list --json\n"
                + "blksnap:snapshot-destroy --all\nblksnap:device-detach stock\n");
    assertTrue(taken, taken.contains("\"taken\""));
  }

  @Test
  public void theConsoleHasItsSocketThereToo() {
    Await.until(
        "the console has its socket",
        DistributionTestBase.PATIENCE,
        () -> Files.exists(home.resolve("data/console.sock")));
  }

  /** Output of commands, one a line, that all succeed. */
  private static String client(String commands) throws Exception {
    ProcessBuilder client =
        new ProcessBuilder(
            home.resolve("bin/client").toString(),
            "-a",
            Integer.toString(port),
            "-h",
            "127.0.0.1",
            "-u",
            "karaf",
            "-p",
            "karaf",
            "-r",
            CONNECT_ATTEMPTS,
            "-d",
            "1",
            "-b");
    client.environment().put("JAVA_HOME", System.getProperty("java.home"));
    client.environment().put("JAVA_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");
    return finish(client, commands, 0);
  }

  private static String finish(ProcessBuilder command, String input, int expected)
      throws Exception {
    Path output = Files.createTempFile("stock-karaf", ".out");
    try {
      Process process = command.redirectErrorStream(true).redirectOutput(output.toFile()).start();
      process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().close();
      if (!process.waitFor(COMMAND_LIMIT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(command.command() + " took too long: " + Files.readString(output));
      }
      String text = Files.readString(output);
      assertEquals(input + text, expected, process.exitValue());
      return text;
    } finally {
      Files.delete(output);
    }
  }

  /** Appends: the last value of a key counts. */
  private static void put(String file, String... lines) throws IOException {
    Files.write(
        home.resolve(file), List.of(lines), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(root)) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
