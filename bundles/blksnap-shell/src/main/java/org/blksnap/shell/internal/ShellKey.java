// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.Base64;
import java.util.Optional;

/**
 * An RSA key pair: the private half as a PKCS#8 PEM file, which ssh reads, and the public half as
 * the body of an OpenSSH public key.
 */
final class ShellKey {
  static final int BITS = 3072;

  private static final String BEGIN = "-----BEGIN PRIVATE KEY-----";
  private static final String END = "-----END PRIVATE KEY-----";
  private static final int PEM_LINE = 64;

  private final RSAPrivateCrtKey key;

  private ShellKey(PrivateKey key) {
    this.key = (RSAPrivateCrtKey) key;
  }

  static ShellKey generate() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(BITS);
    return new ShellKey(generator.generateKeyPair().getPrivate());
  }

  /** Empty where there is no such file, or it holds no whole key of ours. */
  static Optional<ShellKey> read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    String text = text(file);
    int from = text.indexOf(BEGIN);
    int to = text.indexOf(END);
    if (from < 0 || to < from) {
      return Optional.empty();
    }
    try {
      byte[] encoded = Base64.getMimeDecoder().decode(text.substring(from + BEGIN.length(), to));
      return Optional.of(
          new ShellKey(
              KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(encoded))));
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      return Optional.empty();
    }
  }

  /**
   * True where something stands there that is not ours to replace: a whole key, a key of another
   * form that an operator has put there, or no file at all but a link or a directory.
   */
  static boolean stands(Path file) throws IOException {
    if (!PrivateFile.exists(file)) {
      return false;
    }
    if (!Files.isRegularFile(file)) {
      return true;
    }
    String text = text(file);
    boolean anothers = text.contains("-----BEGIN ") && !text.contains(BEGIN);
    return anothers || read(file).isPresent();
  }

  /** Every byte a character: what a broken disk left is no text. */
  private static String text(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.ISO_8859_1);
  }

  String pem() {
    String body =
        Base64.getMimeEncoder(PEM_LINE, new byte[] {'\n'}).encodeToString(key.getEncoded());
    return BEGIN + "\n" + body + "\n" + END + "\n";
  }

  String publicBody() {
    return KeyBody.of(publicHalf()).orElseThrow();
  }

  private PublicKey publicHalf() {
    try {
      return KeyFactory.getInstance("RSA")
          .generatePublic(new RSAPublicKeySpec(key.getModulus(), key.getPublicExponent()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a JDK without RSA", e);
    }
  }
}
