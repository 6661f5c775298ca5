#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS over TCP: forced, from a PKCS#12 store, client certificates optional or required, through real clients."""
import shutil
import ssl
import warnings

from kit import *
from wire import *

# TLS 1.1 is tried on purpose.
warnings.filterwarnings("ignore", category=DeprecationWarning)

PORT = free_port()
BARE, CLIENT, STRANGER = PKI / "bare", PKI / "client", PKI / "stranger"


def tls_uri(certificates, scheme="nbds", export=EXPORT):
    return f"{scheme}://localhost:{PORT}/{export}?tls-certificates={certificates}"


def plain_uri():
    return f"nbd://127.0.0.1:{PORT}/{EXPORT}"


def qemu(directory):
    """Options that make qemu's tools a TLS client."""
    return ("--object", f"tls-creds-x509,id=tls,endpoint=client,dir={directory}", "--image-opts",
            f"driver=nbd,host=localhost,port={PORT},export={EXPORT},tls-creds=tls,tls-hostname=localhost")


def before_tls():
    return wire.Client.tcp(PORT).hello()


def start_tls(client, certificates=None, version=None):
    check(client.ask(OPT_STARTTLS) == [], "STARTTLS")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(BARE / "ca-cert.pem")
    if version:
        context.minimum_version = context.maximum_version = version
    if certificates:
        context.load_cert_chain(certificates / "client-cert.pem", certificates / "client-key.pem")
    client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
    return client


def listens():
    try:
        with before_tls():
            return True
    except (OSError, Gone):
        return False


def lets_in(certificates):
    return command("nbdinfo", "--size", tls_uri(certificates), expect=None).returncode == 0


def required(yes):
    configure(tls_require_client_certificate=yes)
    until(f"certificates required: {yes}", lambda: lets_in(BARE) != yes)


def test_tcp_with_a_keystore_listens():
    # Refused and told where the password is not known yet; so that comes first.
    configure(tls_keystore_password_file=PKI / "password")
    configure(tls_require_client_certificate="false")
    configure(tls_keystore=PKI / "server.p12")
    configure(tcp_address=f"127.0.0.1:{PORT}")
    until("the server listens", listens)
    until("it is let in", lambda: lets_in(BARE))


def test_plaintext_is_refused_to_every_client():
    done = command("nbdinfo", "--size", plain_uri(), expect=None)
    check(done.returncode != 0 and "TLS" in done.stderr, done.stderr)
    with scratch() as here:
        check(command("nbdcopy", plain_uri(), here / "a", expect=None).returncode != 0, "nbdcopy")
    done = command("qemu-img", "info", plain_uri(), expect=None)
    check(done.returncode != 0 and "TLS" in done.stderr, done.stderr)
    done = command("nbdinfo", "--list", f"nbd://127.0.0.1:{PORT}", expect=None)
    check(done.returncode != 0 and EXPORT not in done.stdout, "it lists to anybody")
    done = command("nbd-client", "-l", "127.0.0.1", PORT, expect=None)
    check(EXPORT not in done.stdout, "it lists to anybody")


def test_every_option_but_starttls_and_abort_wants_tls():
    with before_tls() as it:
        for option in (OPT_LIST, OPT_INFO, OPT_GO, OPT_STRUCTURED_REPLY, OPT_EXTENDED_HEADERS, OPT_LIST_META_CONTEXT,
                       OPT_SET_META_CONTEXT, 4, 99):
            try:
                it.ask(option, it.query(EXPORT) if option in (OPT_INFO, OPT_GO) else b"")
                check(False, f"option {option} was carried out")
            except Refused as e:
                check(e.kind in (ERR_TLS_REQD, ERR_UNSUP), f"option {option}: {e}")
        check(it.ask(OPT_ABORT) == [] and it.ended(), "ABORT")


def test_export_name_without_tls_ends_the_session():
    with before_tls() as it:
        it.option(OPT_EXPORT_NAME, EXPORT.encode())
        check(it.ended(), "the session goes on")


def test_state_from_before_tls_is_forgotten():
    with before_tls() as it:
        start_tls(it)
        it.raise_to(STRUCTURED)
        it.go(EXPORT)
        check(len(it.read(0, 4096)) == 4096, "in the transmission phase")


def test_starttls_twice_is_invalid():
    with before_tls() as it:
        start_tls(it)
        try:
            it.ask(OPT_STARTTLS)
            check(False, "a second STARTTLS")
        except Refused as e:
            check(e.kind == ERR_INVALID, e)
        it.go(EXPORT)


def test_plain_bytes_behind_starttls_end_the_session():
    with before_tls() as it:
        it.send(struct_option(OPT_STARTTLS) + struct_option(OPT_LIST))
        try:
            check(it.replies(OPT_STARTTLS) == [] and it.ended(), "what was sent in the clear was carried out")
        except Gone:
            pass


def struct_option(option):
    return IHAVEOPT.to_bytes(8, "big") + option.to_bytes(4, "big") + bytes(4)


def test_tls_1_2_and_1_3_are_spoken_and_nothing_older():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with before_tls() as it:
            start_tls(it, version=version)
            it.raise_to(EXTENDED)
            it.go(EXPORT)
            it.read(0, 2 * MIB)
            it.leave()
    with before_tls() as it:
        try:
            start_tls(it, version=ssl.TLSVersion.TLSv1_1)
            check(False, "TLS 1.1 is spoken")
        except (ssl.SSLError, OSError):
            pass


def test_nbdinfo_sees_everything_over_tls():
    shown = command("nbdinfo", tls_uri(BARE)).stdout
    for word in ("can_fua: true", "can_multi_conn: true", "base:allocation", "qemu:dirty-bitmap:blksnap"):
        check(word in shown, f"{word} is missing: {shown}")
    check(EXPORT in command("nbdinfo", "--list", f"nbds://localhost:{PORT}/?tls-certificates={BARE}").stdout, "--list")
    check(command("nbdinfo", "--map=qemu:dirty-bitmap:blksnap", tls_uri(BARE)).stdout
          == command("nbdinfo", "--map=qemu:dirty-bitmap:blksnap", uri()).stdout, "the map of changes")


def test_a_server_nobody_vouches_for_is_refused_by_the_client():
    with scratch() as here:
        shutil.copy(PKI / "theirs.pem", here / "ca-cert.pem")
        check(not lets_in(here), "the server's certificate was not looked at")


def test_nbdcopy_over_tls_copies_what_is_there():
    with scratch() as here:
        command("nbdcopy", tls_uri(CLIENT, export=IMAGE), here / "a")
        command("cmp", here / "a", TAKEN)


def test_nbdcopy_over_tls_writes_on_four_connections():
    with scratch() as here:
        size = int(command("nbdinfo", "--size", uri()).stdout)
        (here / "a").write_bytes(os.urandom(24 * MIB) + bytes(size - 24 * MIB))
        command("nbdcopy", "--connections=4", here / "a", tls_uri(BARE))
        command("nbdcopy", uri(), here / "b")
        command("cmp", here / "a", here / "b")


def test_qemu_img_and_qemu_io_over_tls():
    shown = command("qemu-img", "info", *qemu(BARE)).stdout
    check(f"({command('nbdinfo', '--size', uri()).stdout.strip()} bytes)" in shown, shown)
    said = command("qemu-io", *qemu(BARE), "-c", "write -P 0x21 30M 5M", "-c", "read -P 0x21 30M 5M", "-c", "write -z 31M 1M",
                   "-c", "read -P 0 31M 1M", "-c", "discard 30M 64k", "-c", "flush").stdout
    check("fail" not in said.lower(), said)
    command("qemu-io", "-f", "raw", "-r", "-c", "read -P 0x21 32M 3M", uri())
    said = command("qemu-nbd", "--list", "--bind", "localhost", "--port", PORT, "--object",
                   f"tls-creds-x509,id=tls,endpoint=client,dir={BARE}", "--tls-creds", "tls").stdout
    check(EXPORT in said and IMAGE in said, said)


def test_nbd_client_lists_over_tls():
    said = command("nbd-client", "-l", "localhost", PORT, "-x", "-A", BARE / "ca-cert.pem", "-H", "localhost")
    check(EXPORT in said.stdout and IMAGE in said.stdout, f"{said}")


def test_libnbd_many_in_flight_over_tls():
    import nbd
    handle = nbd.NBD()
    handle.set_uri_allow_local_file(True)
    handle.connect_uri(tls_uri(BARE))
    check(handle.get_tls_negotiated(), "no TLS")
    data = [os.urandom(100000) for _ in range(32)]
    for number, piece in enumerate(data):
        handle.pwrite(piece, MIB + number * 100000)
    buffers = [nbd.Buffer(100000) for _ in data]
    cookies = [handle.aio_pread(b, MIB + n * 100000) for n, b in enumerate(buffers)]
    while handle.aio_in_flight():
        handle.poll(-1)
    for cookie, buffer, piece in zip(cookies, buffers, data):
        check(handle.aio_command_completed(cookie) and bytes(buffer.to_bytearray()) == piece, "content")
    handle.shutdown()


def test_soft_disconnect_closes_tls_in_order():
    with before_tls() as it:
        start_tls(it)
        it.go(EXPORT)
        it.socket.suppress_ragged_eofs = False
        it.leave()


def test_anybody_is_let_in_where_certificates_are_not_required():
    for certificates in (BARE, CLIENT):
        check(lets_in(certificates), f"{certificates.name} is refused")


def test_required_certificates_keep_everybody_else_out():
    required(True)
    try:
        check(lets_in(CLIENT), "our client is refused")
        for certificates in (BARE, STRANGER):
            check(not lets_in(certificates), f"{certificates.name} is let in")
            done = command("qemu-img", "info", *qemu(certificates), expect=None)
            check(done.returncode != 0, f"qemu-img as {certificates.name} is let in")
        command("qemu-img", "info", *qemu(CLIENT))
        with scratch() as here:
            command("nbdcopy", tls_uri(CLIENT, export=IMAGE), here / "a")
            command("cmp", here / "a", TAKEN)
    finally:
        required(False)


def drain(it):
    """Takes what comes, at most an alert, until the server closes."""
    taken = 0
    while not it.ended():
        taken += 1
        check(taken < 100, "the server goes on talking")


def test_a_client_that_stalls_in_the_tls_handshake_is_dropped():
    configure(handshake_timeout_seconds=1)
    try:
        # The value is for clients that come later; this one is dropped in either case.
        with before_tls() as it:
            it.ask(OPT_STARTTLS)
            it.send(b"\x16\x03\x01")
            drain(it)
    finally:
        configure(handshake_timeout_seconds=10)


def test_plaintext_noise_instead_of_tls_is_dropped():
    with before_tls() as it:
        it.ask(OPT_STARTTLS)
        try:
            it.send(b"GET / HTTP/1.1\r\n\r\n" * 10)
        except Gone:
            return
        drain(it)


def test_tcp_switched_off_again_leaves_the_socket():
    configure(tcp_address="", tls_keystore="", tls_keystore_password_file="", tls_require_client_certificate="true")
    until("it listens no more", lambda: not listens())
    command("nbdinfo", "--size", uri())


main()
