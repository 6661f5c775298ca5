// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.login;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.Principal;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.security.auth.Subject;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.LoginException;
import org.apache.karaf.jaas.boot.principal.RolePrincipal;
import org.apache.karaf.jaas.modules.publickey.PublickeyCallback;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyLoginTest {
  @TempDir Path directory;
  private Path file;
  private final Subject subject = new Subject();

  @BeforeEach
  void file() {
    file = directory.resolve("keys.properties");
  }

  private static PublicKey ed25519() throws Exception {
    return KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPublic();
  }

  private static PublicKey ecdsa(String curve) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec(curve));
    return generator.generateKeyPair().getPublic();
  }

  private static PublicKey rsa() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    return generator.generateKeyPair().getPublic();
  }

  /** As the ssh server does; a key of null is a login by password. */
  private void login(String user, PublicKey key) throws LoginException {
    KeyLogin module = new KeyLogin();
    module.initialize(
        subject,
        callbacks -> {
          for (Callback callback : callbacks) {
            if (callback instanceof NameCallback name) {
              name.setName(user);
            } else if (callback instanceof PublickeyCallback offered && key != null) {
              offered.setPublicKey(key);
            } else {
              throw new UnsupportedCallbackException(callback);
            }
          }
        },
        Map.of(),
        Map.of(KeyLogin.FILE, file.toString()));
    assertTrue(module.login());
    assertTrue(module.commit());
  }

  private Set<String> roles() {
    return subject.getPrincipals(RolePrincipal.class).stream()
        .map(Principal::getName)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyKeyThatSshKeygenMakesLogsIn() throws Exception {
    for (PublicKey key :
        List.of(ed25519(), ecdsa("secp256r1"), ecdsa("secp384r1"), ecdsa("secp521r1"), rsa())) {
      Files.writeString(file, "alice = " + KeyBody.of(key).orElseThrow() + ",viewer\n");
      login("alice", key);
    }
    assertEquals(Set.of("viewer"), roles());
  }

  /** The two of RFC 8410 and of ssh-keygen -i -m PKCS8, made once with OpenSSH. */
  @Test
  void theBodyIsThatOfOpenSsh() throws Exception {
    byte[] x509 =
        Base64.getDecoder().decode("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
    PublicKey key =
        java.security.KeyFactory.getInstance("Ed25519")
            .generatePublic(new java.security.spec.X509EncodedKeySpec(x509));
    assertEquals(
        "AAAAC3NzaC1lZDI1NTE5AAAAIBm/RAlphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWbh",
        KeyBody.of(key).orElseThrow());
  }

  @Test
  void theWholeLineOfAPubFileIsTakenAsItIs() throws Exception {
    PublicKey key = ed25519();
    Files.writeString(
        file,
        "alice = ssh-ed25519 " + KeyBody.of(key).orElseThrow() + " alice@host=1, viewer , ssh\n");
    login("alice", key);
    assertEquals(Set.of("ssh", "viewer"), roles());
  }

  @Test
  void aGroupGivesItsRoles() throws Exception {
    PublicKey key = ed25519();
    Files.writeString(
        file,
        "_g_\\:staff = group,admin,viewer\nalice="
            + KeyBody.of(key).orElseThrow()
            + ",_g_:staff\n");
    login("alice", key);
    assertEquals(Set.of("admin", "viewer"), roles());
  }

  @Test
  void whoHasNoSuchKeyOrNoRoleIsRefused() throws Exception {
    PublicKey key = ed25519();
    String body = KeyBody.of(key).orElseThrow();
    Files.writeString(
        file, "alice = " + body + ",viewer\nbare = " + body + "\n_g_\\:x = " + body + ",admin\n");
    assertThrows(LoginException.class, () -> login("alice", ed25519()));
    assertThrows(LoginException.class, () -> login("bob", key));
    assertThrows(LoginException.class, () -> login("bare", key));
    assertThrows(LoginException.class, () -> login("_g_:x", key));
    assertThrows(LoginException.class, () -> login("alice", null));
    Files.delete(file);
    assertThrows(LoginException.class, () -> login("alice", key));
    assertEquals(Set.of(), subject.getPrincipals());
  }
}
