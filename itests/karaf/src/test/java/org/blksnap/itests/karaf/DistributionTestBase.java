// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import static org.ops4j.pax.exam.CoreOptions.systemProperty;
import static org.ops4j.pax.exam.CoreOptions.vmOptions;
import static org.ops4j.pax.exam.karaf.options.KarafDistributionOption.configureConsole;
import static org.ops4j.pax.exam.karaf.options.KarafDistributionOption.editConfigurationFilePut;
import static org.ops4j.pax.exam.karaf.options.KarafDistributionOption.karafDistributionConfiguration;
import static org.ops4j.pax.exam.karaf.options.KarafDistributionOption.keepRuntimeFolder;
import static org.ops4j.pax.exam.karaf.options.KarafDistributionOption.logLevel;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import javax.inject.Inject;
import org.junit.Before;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.karaf.options.LogLevelOption.LogLevel;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerSuite;
import org.osgi.framework.BundleContext;

/**
 * Tests inside the shipped distribution. All classes share these options, and so one container; a
 * test leaves no device attached and no snapshot behind.
 */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerSuite.class)
public abstract class DistributionTestBase {
  /** Longest wait for a service or a state. */
  static final Duration PATIENCE = Duration.ofSeconds(60);

  /** The path of a socket has to be short, and that of the container is not. */
  private static final Path SOCKET = socketOfItsOwn();

  @Inject BundleContext context;

  Shell shell;

  @Configuration
  public Option[] distribution() {
    String karaf = System.getProperty("karaf.version");
    return new Option[] {
      karafDistributionConfiguration()
          .frameworkUrl(new File(System.getProperty("dist.file")).toURI().toString())
          .karafVersion(karaf)
          .name("blksnap")
          .unpackDirectory(new File("target/exam"))
          .useDeployFolder(false),
      keepRuntimeFolder(),
      logLevel(LogLevel.INFO),
      configureConsole().ignoreLocalConsole(),
      editConfigurationFilePut("etc/org.blksnap.nbd.cfg", "socket_path", SOCKET.toString()),
      systemProperty("org.ops4j.pax.swissbox.tracker.ServiceLookup.DEFAULT_TIMEOUT")
          .value(Long.toString(PATIENCE.toMillis())),
      systemProperty("org.ops4j.pax.exam.raw.extender.intern.Parser.DEFAULT_TIMEOUT")
          .value(Long.toString(PATIENCE.toMillis())),
      systemProperty("seed").value(System.getProperty("seed", "")),
      systemProperty("blksnap.version").value(System.getProperty("blksnap.version")),
      vmOptions(
          "--add-reads=java.xml=java.logging",
          "--add-exports=java.base/org.apache.karaf.specs.locator=java.xml,ALL-UNNAMED",
          "--patch-module",
          "java.base=lib/endorsed/org.apache.karaf.specs.locator-" + karaf + ".jar",
          "--patch-module",
          "java.xml=lib/endorsed/org.apache.karaf.specs.java.xml-" + karaf + ".jar",
          "--add-opens",
          "java.base/java.security=ALL-UNNAMED",
          "--add-opens",
          "java.base/java.net=ALL-UNNAMED",
          "--add-opens",
          "java.base/java.lang=ALL-UNNAMED",
          "--add-opens",
          "java.base/java.util=ALL-UNNAMED",
          "--add-opens",
          "java.naming/javax.naming.spi=ALL-UNNAMED",
          "--add-opens",
          "java.rmi/sun.rmi.transport.tcp=ALL-UNNAMED",
          "-XX:TieredStopAtLevel=1",
          "-XX:+UseSerialGC")
    };
  }

  @Before
  public void openShell() {
    shell = new Shell(context);
  }

  private static Path socketOfItsOwn() {
    try {
      Path directory = Files.createTempDirectory("blksnap-itests");
      Path socket = directory.resolve("nbd.sock");
      directory.toFile().deleteOnExit();
      socket.toFile().deleteOnExit();
      return socket;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
