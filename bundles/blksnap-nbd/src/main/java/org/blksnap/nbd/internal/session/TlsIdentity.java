// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Arrays;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManagerFactory;

/**
 * Who the server is over TLS, and whom it lets in.
 *
 * @param context key and trusted certificates of the PKCS#12 store
 * @param clientCertificate refuse clients without a certificate the store trusts
 */
public record TlsIdentity(SSLContext context, boolean clientCertificate) {
  private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

  /** Reads store and password (the first line of its file, without the line's end). */
  public static TlsIdentity load(Path store, Path passwordFile, boolean clientCertificate)
      throws IOException {
    char[] password = new char[0];
    if (passwordFile != null) {
      password = Files.readString(passwordFile).lines().findFirst().orElse("").toCharArray();
    }
    try (InputStream bytes = Files.newInputStream(store)) {
      KeyStore keys = KeyStore.getInstance("PKCS12");
      keys.load(bytes, password);
      KeyManagerFactory own =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      own.init(keys, password);
      TrustManagerFactory trusted =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trusted.init(keys);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(own.getKeyManagers(), trusted.getTrustManagers(), null);
      return new TlsIdentity(context, clientCertificate);
    } catch (GeneralSecurityException e) {
      throw new IOException("keystore " + store + " refused: " + e.getMessage(), e);
    } finally {
      Arrays.fill(password, '\0');
    }
  }

  SSLEngine engine() {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(false);
    engine.setEnabledProtocols(PROTOCOLS);
    engine.setNeedClientAuth(clientCertificate);
    return engine;
  }
}
