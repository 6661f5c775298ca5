// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The configuration {@code org.blksnap.nbd}; {@link Settings} checks it. */
@ObjectClassDefinition(
    id = NbdOptions.PID,
    name = "blksnap NBD server",
    description = "Serves attached devices and snapshot images over NBD.")
public @interface NbdOptions {
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
          "host:port to listen on; empty: no TCP. Needs tls_keystore, or a loopback address and"
              + " tcp_allow_every_local_user.")
  String tcp__address() default "";

  @AttributeDefinition(
      name = "TCP without TLS",
      description =
          "Accept that every user of this machine has what is served at a loopback address without"
              + " TLS.")
  boolean tcp__allow__every__local__user() default false;

  @AttributeDefinition(
      name = "Exports at TCP",
      description =
          "Names of the exports that TCP clients see, between commas; a name may end with *."
              + " Empty: all.")
  String tcp__exports() default "";

  @AttributeDefinition(name = "TCP read-only", description = "TCP clients write nothing.")
  boolean tcp__read__only() default false;

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
      description =
          "Refuse TLS clients without a certificate the keystore trusts. Where it is off, whoever"
              + " reaches the address has what is served there.")
  boolean tls__require__client__certificate() default true;

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
      name = "Maximum connections a peer",
      description =
          "Clients at once from one address, or of one user at the unix socket; the server's own"
              + " user and root have no such bound.",
      min = "1",
      max = "1024")
  int maximum__connections__per__peer() default 32;

  @AttributeDefinition(
      name = "Reserved connections",
      description =
          "Of all connections, those that only the server's own user and root at the unix socket"
              + " may have.",
      min = "0",
      max = "64")
  int reserved__connections() default 4;

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

  @AttributeDefinition(
      name = "Stall timeout",
      description =
          "Seconds after which a client is given up that takes none of its replies, or is silent in"
              + " the midst of a request. Between two requests it may be silent for ever.",
      min = "1",
      max = "3600")
  int stall__timeout__seconds() default 60;

  @AttributeDefinition(
      name = "TCP keep-alive",
      description =
          "Seconds of silence after which a TCP peer's host is asked whether it lives; after six"
              + " questions in a minute without an answer the client is given up.",
      min = "1",
      max = "7200")
  int tcp__keepalive__seconds() default 60;
}
