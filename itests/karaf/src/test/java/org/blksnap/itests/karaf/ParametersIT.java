// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.util.Dictionary;
import java.util.Hashtable;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Parameters;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

/** The parameters through ConfigAdmin and through the shell. */
public class ParametersIT extends DistributionTestBase {
  private static final String PID = "org.blksnap.parameters";
  private static final Parameter SUBJECT = Parameter.CHUNK_MAXIMUM_IN_QUEUE;

  private Parameters parameters;
  private Configuration configuration;
  private Dictionary<String, Object> before;

  @Before
  public void remember() throws IOException {
    parameters = Await.service(context, Parameters.class, PATIENCE);
    configuration =
        Await.service(context, ConfigurationAdmin.class, PATIENCE).getConfiguration(PID, "?");
    before = configuration.getProperties();
  }

  @After
  public void restore() throws IOException {
    configuration.update(before == null ? new Hashtable<>() : before);
    Await.until(
        "the default is back", PATIENCE, () -> parameters.value(SUBJECT) == SUBJECT.defaultValue());
  }

  @Test
  public void theShippedFileHoldsTheDefaults() {
    for (Parameter parameter : Parameter.values()) {
      assertEquals(
          parameter.key(),
          Long.toString(parameter.defaultValue()),
          String.valueOf(before.get(parameter.key())));
      assertEquals(parameter.key(), parameter.defaultValue(), parameters.value(parameter));
    }
  }

  @Test
  public void aGoodValueIsInForceAtOnce() throws IOException {
    put("33");
    Await.until("33 is in force", PATIENCE, () -> parameters.value(SUBJECT) == 33);
  }

  @Test
  public void aValueOutOfRangeIsRefusedAndTheOldOneStays() throws IOException {
    put("33");
    Await.until("33 is in force", PATIENCE, () -> parameters.value(SUBJECT) == 33);
    put("0");
    Await.until("a refusal is told", PATIENCE, () -> parameters.lastRefusal().isPresent());
    String refusal = parameters.lastRefusal().orElseThrow();
    assertTrue(refusal, refusal.contains(SUBJECT.key()) && refusal.contains("4096"));
    assertEquals(33, parameters.value(SUBJECT));
  }

  @Test
  public void aWordInPlaceOfANumberIsRefused() throws IOException {
    put("many");
    Await.until("a refusal is told", PATIENCE, () -> parameters.lastRefusal().isPresent());
    assertEquals(SUBJECT.defaultValue(), parameters.value(SUBJECT));
  }

  @Test
  public void theShellSetsAParameter() throws Exception {
    shell.run("blksnap:parameter-set " + SUBJECT.key() + " 44");
    assertEquals(44, parameters.value(SUBJECT));
  }

  private void put(Object value) throws IOException {
    Dictionary<String, Object> changed = new Hashtable<>();
    if (before != null) {
      for (String key : java.util.Collections.list(before.keys())) {
        changed.put(key, before.get(key));
      }
    }
    changed.put(SUBJECT.key(), value);
    configuration.update(changed);
  }
}
