// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.login;

import java.io.IOException;
import java.nio.file.Path;
import java.security.Principal;
import java.security.PublicKey;
import java.util.Map;
import java.util.Set;
import javax.security.auth.Subject;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.FailedLoginException;
import javax.security.auth.login.LoginException;
import javax.security.auth.spi.LoginModule;
import org.apache.karaf.jaas.modules.publickey.PublickeyCallback;

/**
 * Lets in who holds a key that stands in {@code keys.properties}, of every type that OpenSSH makes
 * today; Karaf's own module knows no Ed25519. That the key is held, the ssh server has proven.
 */
public final class KeyLogin implements LoginModule {
  /** Option: the path of the file. */
  static final String FILE = "file";

  private Subject subject;
  private CallbackHandler handler;
  private Path file;
  private Set<Principal> principals = Set.of();

  @Override
  public void initialize(
      Subject subject, CallbackHandler handler, Map<String, ?> shared, Map<String, ?> options) {
    this.subject = subject;
    this.handler = handler;
    this.file = Path.of((String) options.get(FILE));
  }

  /** A caller that offers no key is refused here, and is left to the modules behind this one. */
  @Override
  public boolean login() throws LoginException {
    NameCallback name = new NameCallback("user: ");
    PublickeyCallback offered = new PublickeyCallback();
    try {
      handler.handle(new Callback[] {name, offered});
      PublicKey key = offered.getPublicKey();
      if (name.getName() == null || key == null) {
        throw new FailedLoginException("no name or no key was offered");
      }
      principals =
          KeyBody.of(key)
              .map(body -> new KeyEntries(file).principals(name.getName(), body))
              .orElse(Set.of());
    } catch (IOException | UnsupportedCallbackException e) {
      throw (LoginException) new FailedLoginException("no key: " + e.getMessage()).initCause(e);
    }
    if (principals.isEmpty()) {
      throw new FailedLoginException("no such key for " + name.getName() + " in " + file);
    }
    return true;
  }

  @Override
  public boolean commit() {
    subject.getPrincipals().addAll(principals);
    return !principals.isEmpty();
  }

  @Override
  public boolean abort() {
    principals = Set.of();
    return true;
  }

  @Override
  public boolean logout() {
    subject.getPrincipals().removeAll(principals);
    principals = Set.of();
    return true;
  }
}
