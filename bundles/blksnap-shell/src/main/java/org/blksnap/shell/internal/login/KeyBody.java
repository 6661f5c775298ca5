// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.login;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECPoint;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;

/**
 * The body of an OpenSSH public key: what stands between its type and its comment, the base64 of
 *
 * <pre>
 *   ssh-rsa               u32 n | type, u32 n | public exponent, u32 n | modulus
 *   ssh-ed25519           u32 n | type, u32 32 | the point
 *   ecdsa-sha2-nistpBITS  u32 n | type, u32 n | nistpBITS, u32 n | 4, x, y
 * </pre>
 *
 * numbers big-endian, in two's complement (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709
 * section 4).
 */
final class KeyBody {
  /** What an X.509 encoding of an Ed25519 key begins with (RFC 8410); the 32 bytes of it follow. */
  private static final byte[] ED25519_X509 = HexFormat.of().parseHex("302a300506032b6570032100");

  private static final int ED25519_BYTES = 32;

  /** First byte of a point whose both coordinates follow. */
  private static final int UNCOMPRESSED = 4;

  private KeyBody() {}

  /** Empty where the key is of no type that is known here. */
  static Optional<String> of(PublicKey key) {
    if (key instanceof RSAPublicKey rsa) {
      return Optional.of(rsa(rsa));
    }
    if (key instanceof ECPublicKey ec) {
      return ecdsa(ec);
    }
    byte[] encoded = key.getEncoded();
    if (encoded != null
        && encoded.length == ED25519_X509.length + ED25519_BYTES
        && Arrays.equals(encoded, 0, ED25519_X509.length, ED25519_X509, 0, ED25519_X509.length)) {
      byte[] point = Arrays.copyOfRange(encoded, ED25519_X509.length, encoded.length);
      return Optional.of(fields(text("ssh-ed25519"), point));
    }
    return Optional.empty();
  }

  private static String rsa(RSAPublicKey key) {
    return fields(
        text("ssh-rsa"), key.getPublicExponent().toByteArray(), key.getModulus().toByteArray());
  }

  private static Optional<String> ecdsa(ECPublicKey key) {
    int bits = key.getParams().getCurve().getField().getFieldSize();
    if (bits != 256 && bits != 384 && bits != 521) {
      return Optional.empty();
    }
    int bytes = (bits + 7) / 8;
    ECPoint point = key.getW();
    byte[] encoded = new byte[1 + 2 * bytes];
    encoded[0] = UNCOMPRESSED;
    place(point.getAffineX(), encoded, 1, bytes);
    place(point.getAffineY(), encoded, 1 + bytes, bytes);
    String curve = "nistp" + bits;
    return Optional.of(fields(text("ecdsa-sha2-" + curve), text(curve), encoded));
  }

  /** Right-aligned, without the sign. */
  private static void place(BigInteger number, byte[] into, int offset, int bytes) {
    byte[] from = number.toByteArray();
    int length = Math.min(from.length, bytes);
    System.arraycopy(from, from.length - length, into, offset + bytes - length, length);
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static String fields(byte[]... fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      for (byte[] field : fields) {
        out.writeInt(field.length);
        out.write(field);
      }
    } catch (IOException e) {
      throw new IllegalStateException("memory does not fail to be written", e);
    }
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }
}
