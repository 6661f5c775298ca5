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
import java.net.ServerSocket;
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

  /** One for all classes: with other options each would get a container of its own. */
  private static final int SSH_PORT = freePort();

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
      editConfigurationFilePut(
          "etc/org.apache.karaf.shell.cfg", "sshPort", Integer.toString(SSH_PORT)),
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

  private static int freePort() {
    try (ServerSocket probe = new ServerSocket(0)) {
      return probe.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
