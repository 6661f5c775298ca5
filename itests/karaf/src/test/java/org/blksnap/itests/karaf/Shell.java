// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.PrivilegedExceptionAction;
import java.util.Set;
import javax.security.auth.Subject;
import org.apache.karaf.jaas.boot.principal.RolePrincipal;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.api.console.SessionFactory;
import org.osgi.framework.BundleContext;

/**
 * Gives commands to the shell of the container the test runs in, as an administrator or a guest.
 */
final class Shell {
  private final BundleContext context;

  Shell(BundleContext context) {
    this.context = context;
  }

  /** What the command printed; throws what it threw, with what was printed as suppressed. */
  String run(String command) throws Exception {
    return run(command, "admin", "manager", "viewer", "systembundles", "ssh");
  }

  /** As {@link #run(String)}, with these roles and no others. */
  String run(String command, String... roles) throws Exception {
    SessionFactory factory =
        Await.service(context, SessionFactory.class, DistributionTestBase.PATIENCE);
    Subject subject = new Subject();
    for (String role : roles) {
      subject.getPrincipals().add(new RolePrincipal(role));
    }
    subject.setReadOnly();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    Set<String> scopes = Set.of("shell", "*");
    return Subject.doAs(
        subject,
        (PrivilegedExceptionAction<String>)
            () -> {
              Session session = factory.create(new ByteArrayInputStream(new byte[0]), out, out);
              try {
                session.put(Session.SCOPE, String.join(":", scopes));
                session.execute(command);
              } catch (Exception e) {
                e.addSuppressed(new Exception("it had printed: " + bytes));
                throw e;
              } finally {
                session.close();
              }
              return bytes.toString(StandardCharsets.UTF_8);
            });
  }
}
