// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.login;

import static javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag.SUFFICIENT;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.karaf.jaas.boot.ProxyLoginModule;
import org.apache.karaf.jaas.config.JaasRealm;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Karaf's realm {@code karaf} with {@link KeyLogin} before its own modules. In its place, by a
 * higher rank, only as long as this bundle is there, and only in the distribution ({@link
 * #ENABLED}): the realm of a Karaf that is another's stays as it is.
 */
@Component(name = "org.blksnap.shell.internal.KeyRealm", service = KeyRealm.class, immediate = true)
public final class KeyRealm implements JaasRealm {
  /** Framework property; where it is there, keys as OpenSSH writes them are taken. */
  static final String ENABLED = "blksnap.openssh.keys";

  private static final String NAME = "karaf";

  /** Karaf's own is 0. */
  private static final int RANK = 100;

  private final BundleContext context;
  private final ServiceRegistration<JaasRealm> registration;

  @Activate
  public KeyRealm(BundleContext context) {
    this.context = context;
    this.registration =
        context.getProperty(ENABLED) == null
            ? null
            : context.registerService(JaasRealm.class, this, null);
  }

  @Deactivate
  void close() {
    if (registration != null) {
      registration.unregister();
    }
  }

  @Override
  public String getName() {
    return NAME;
  }

  @Override
  public int getRank() {
    return RANK;
  }

  @Override
  public AppConfigurationEntry[] getEntries() {
    List<AppConfigurationEntry> entries = new ArrayList<>();
    String etc = context.getProperty("karaf.etc");
    Path file = Path.of(etc == null ? "etc" : etc, "keys.properties").toAbsolutePath();
    entries.add(
        new AppConfigurationEntry(
            ProxyLoginModule.class.getName(),
            SUFFICIENT,
            Map.of(
                ProxyLoginModule.PROPERTY_MODULE,
                KeyLogin.class.getName(),
                ProxyLoginModule.PROPERTY_BUNDLE,
                Long.toString(context.getBundle().getBundleId()),
                KeyLogin.FILE,
                file.toString())));
    JaasRealm base = base();
    if (base != null) {
      entries.addAll(List.of(base.getEntries()));
    }
    return entries.toArray(AppConfigurationEntry[]::new);
  }

  /** The realm of that name that would count without this one; null where there is none. */
  private JaasRealm base() {
    JaasRealm base = null;
    try {
      for (ServiceReference<JaasRealm> reference :
          context.getServiceReferences(JaasRealm.class, null)) {
        JaasRealm realm = context.getService(reference);
        if (realm != null
            && realm != this
            && realm.getName().equals(NAME)
            && (base == null || realm.getRank() > base.getRank())) {
          base = realm;
        }
      }
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException("there is no filter", e);
    }
    return base;
  }
}
