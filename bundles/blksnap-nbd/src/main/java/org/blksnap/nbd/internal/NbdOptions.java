// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The configuration {@code org.blksnap.nbd}; {@link Settings} checks it. */
@ObjectClassDefinition(
    id = NbdOptions.PID,
    name = "blksnap NBD server",
    description = "Serves attached devices and snapshot images over NBD.")
@interface NbdOptions {
  String PID = "org.blksnap.nbd";

  @AttributeDefinition(
      name = "Unix socket",
      description =
          "Path of the unix socket; empty: nbd/blksnap.sock in the state directory; \"none\": no"
              + " unix socket.")
  String socket__path() default "";

  @AttributeDefinition(
      name = "TCP address",
      description =
          "host:port to listen on; empty: no TCP. Anything but a loopback address needs"
              + " tls_keystore.")
  String tcp__address() default "";

  @AttributeDefinition(
      name = "TLS keystore",
      description =
          "PKCS#12 file with the server's key and, for client certificates, whom to trust; where it"
              + " is set, TCP clients must use TLS.")
  String tls__keystore() default "";

  @AttributeDefinition(
      name = "TLS keystore password file",
      description = "File whose first line is the keystore's password.")
  String tls__keystore__password__file() default "";

  @AttributeDefinition(
      name = "Client certificates",
      description = "Refuse TLS clients without a certificate the keystore trusts.")
  boolean tls__require__client__certificate() default false;

  @AttributeDefinition(
      name = "Images read-only",
      description = "Serve snapshot images read-only, for new connections.")
  boolean images__read__only() default false;

  @AttributeDefinition(
      name = "Maximum connections",
      description = "Clients at once, over all listeners.",
      min = "1",
      max = "1024")
  int maximum__connections() default 64;

  @AttributeDefinition(
      name = "Maximum request",
      description = "Bytes of data in one request.",
      min = "65536",
      max = "67108864")
  int maximum__request__bytes() default 33554432;

  @AttributeDefinition(
      name = "Maximum in flight",
      description = "Requests of one connection worked on at once.",
      min = "1",
      max = "1024")
  int maximum__in__flight() default 64;

  @AttributeDefinition(
      name = "Handshake timeout",
      description = "Seconds a client has from connecting to its first request.",
      min = "1",
      max = "3600")
  int handshake__timeout__seconds() default 10;
}
