// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.parameter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Dictionary;
import java.util.Hashtable;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.kernel.internal.memory.MemoryKernel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ConfigurationEvent;

/** What a person configured, what was set in sysfs, and what comes into force. */
class KernelParametersTest {
  private static final String MINIMUM = "diff_storage_minimum";
  private static final String SHIFT = "chunk_minimum_shift";

  @TempDir Path directory;

  private final MemoryKernel kernel = new MemoryKernel();
  private Dictionary<String, Object> file = new Hashtable<>();

  @SuppressWarnings("unchecked")
  private ConfigurationAdmin admin() {
    Configuration configuration =
        (Configuration)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Configuration.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("update")) {
                    file = (Dictionary<String, Object>) arguments[0];
                    return null;
                  }
                  return file;
                });
    return (ConfigurationAdmin)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {ConfigurationAdmin.class},
            (proxy, method, arguments) -> configuration);
  }

  private KernelParameters parameters() throws IOException {
    PresentModule module =
        new PresentModule(
            kernel.find().orElseThrow(), kernel.incarnation().orElseThrow(), Duration.ofSeconds(1));
    return new KernelParameters(module, directory, new Configured(this::admin));
  }

  private static void changed(KernelParameters parameters) {
    ServiceReference<?> reference =
        (ServiceReference<?>)
            Proxy.newProxyInstance(
                KernelParametersTest.class.getClassLoader(),
                new Class<?>[] {ServiceReference.class},
                (proxy, method, arguments) -> null);
    @SuppressWarnings("unchecked")
    var admin = (ServiceReference<ConfigurationAdmin>) reference;
    parameters.configurationEvent(
        new ConfigurationEvent(admin, ConfigurationEvent.CM_UPDATED, null, Configured.PID));
  }

  @Test
  void whatIsConfiguredIsSetInAModuleLoadedAnew() throws IOException {
    file.put(MINIMUM, "4096");
    assertEquals(4096, parameters().value(Parameter.DIFF_STORAGE_MINIMUM));
    kernel.unload();
    kernel.load();
    kernel.parameter(MINIMUM, 2_097_152);
    assertEquals(4096, parameters().value(Parameter.DIFF_STORAGE_MINIMUM));
  }

  @Test
  void whatWasSetInSysfsIsShownAndNotOverwrittenByAFileThatNobodyChanged() throws IOException {
    file.put(MINIMUM, "4096");
    KernelParameters first = parameters();
    kernel.parameter(MINIMUM, 8192);
    assertEquals(8192, first.values().get(Parameter.DIFF_STORAGE_MINIMUM));
    changed(first);
    assertEquals(8192, parameters().value(Parameter.DIFF_STORAGE_MINIMUM));
  }

  @Test
  void theFileWinsWhereAPersonChangedIt() throws IOException {
    file.put(MINIMUM, "4096");
    KernelParameters parameters = parameters();
    kernel.parameter(MINIMUM, 8192);
    kernel.parameter(SHIFT, 20);
    file.put(MINIMUM, "1024");
    changed(parameters);
    assertEquals(1024, parameters.value(Parameter.DIFF_STORAGE_MINIMUM));
    assertEquals(20, parameters.value(Parameter.CHUNK_MINIMUM_SHIFT));
  }

  @Test
  void aBadValueIsRefusedAndTheOneInForceStays() throws IOException {
    KernelParameters parameters = parameters();
    file.put(SHIFT, "29");
    file.put(MINIMUM, "much");
    changed(parameters);
    assertEquals(18, parameters.value(Parameter.CHUNK_MINIMUM_SHIFT));
    String refusal = parameters.lastRefusal().orElseThrow();
    assertTrue(refusal.contains("chunk_minimum_shift = 29"), refusal);
    assertTrue(refusal.contains("12 to 28"), refusal);
    assertTrue(refusal.contains("much"), refusal);
    file.put(SHIFT, "19");
    file.remove(MINIMUM);
    changed(parameters);
    assertEquals(19, parameters.value(Parameter.CHUNK_MINIMUM_SHIFT));
    assertTrue(parameters.lastRefusal().isEmpty());
  }

  @Test
  void whatIsSetHereIsInForceAndKept() throws IOException {
    KernelParameters parameters = parameters();
    parameters.set(Parameter.CHUNK_MINIMUM_SHIFT, 20);
    assertEquals(20, parameters.value(Parameter.CHUNK_MINIMUM_SHIFT));
    assertEquals("20", file.get(SHIFT));
    BlksnapException refused =
        assertThrows(
            BlksnapException.class, () -> parameters.set(Parameter.CHUNK_MINIMUM_SHIFT, 11));
    assertEquals(Errno.EINVAL, refused.errno());
  }

  @Test
  void aParameterThatTheModuleLacksIsShownAsSuch() throws IOException {
    kernel.lack("free_diff_buffer_pool_size");
    KernelParameters parameters = parameters();
    assertFalse(parameters.values().containsKey(Parameter.FREE_DIFF_BUFFER_POOL_SIZE));
    assertTrue(parameters.lastRefusal().orElseThrow().contains("free_diff_buffer_pool_size"));
    BlksnapException refused =
        assertThrows(
            BlksnapException.class, () -> parameters.set(Parameter.FREE_DIFF_BUFFER_POOL_SIZE, 20));
    assertEquals(Errno.EOPNOTSUPP, refused.errno());
    assertTrue(Files.exists(directory.resolve("parameters.record")));
  }
}
