#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pki.sh DIRECTORY: keys and certificates for one run of the tests.
#
# server.p12, password   the server's key, and its trust in our authority
# client/                what libnbd and qemu expect of a client's directory, signed by our authority
# bare/                  our authority alone: a client without a certificate
# stranger/              our authority, and a client's certificate signed by another one
set -euo pipefail
pki=$1
keytool=${JAVA_HOME:+$JAVA_HOME/bin/}keytool
mkdir -p "$pki"/{client,bare,stranger}
cd "$pki"
exec 2>openssl.log
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
    -addext keyUsage=critical,keyCertSign -keyout "$1.key" -out "$1.pem"
}
certificate() { # AUTHORITY NAME USAGE KEY CERTIFICATE
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$4" -out request.pem
  openssl x509 -req -in request.pem -CA "$1.pem" -CAkey "$1.key" -CAcreateserial -days 30 -out "$5" -extfile \
    <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=%s\nkeyUsage=digitalSignature\n' "$3")
}
authority ours
authority theirs
certificate ours localhost serverAuth server.key server.pem
certificate ours client clientAuth client/client-key.pem client/client-cert.pem
certificate theirs stranger clientAuth stranger/client-key.pem stranger/client-cert.pem
for who in client bare stranger; do cp ours.pem "$who/ca-cert.pem"; done
echo interop-only >password
openssl pkcs12 -export -in server.pem -inkey server.key -certfile ours.pem -name server \
  -passout file:password -out server.p12
"$keytool" -importcert -noprompt -trustcacerts -alias authority -file ours.pem -storetype PKCS12 \
  -keystore server.p12 -storepass:file password >keytool.log 2>&1 || { cat keytool.log >&2; exit 1; }
