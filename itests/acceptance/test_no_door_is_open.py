#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A fresh distribution listens on loopback alone, lets nobody in by password, and keeps its files to itself."""
import stat

from kit import *


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


with Disk("locked") as disk:
    me = f"pid={pid()},"
    listeners = [row.split()[3] for row in command("ss", "-H", "-ltnp").stdout.splitlines() if me in row]
    check(any(address.endswith(":" + os.environ["BLKSNAP_SSH_PORT"]) for address in listeners), f"the shell's port is not among {listeners}")
    for address in listeners:
        host = address.rpartition(":")[0]
        check(host.startswith(("127.", "[::ffff:127.")) or host == "[::1]", f"listens beyond loopback: {address}")
    udp = [row for row in command("ss", "-H", "-lunp").stdout.splitlines() if me in row]
    check(not udp, f"listens on UDP: {udp}")

    base = ["ssh", "-F", "/dev/null", "-n", "-v", "-p", os.environ["BLKSNAP_SSH_PORT"], "-l", "karaf", "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentityAgent=none"]
    done = command(*base, "-o", "PubkeyAuthentication=no", "127.0.0.1", "blksnap:version", expect=255)
    offered = [row for row in done.stderr.splitlines() if "Authentications that can continue" in row]
    check(offered, f"no list of methods: {done.stderr}")
    check(not any("password" in row or "keyboard" in row for row in offered), f"passwords are offered: {offered}")
    stranger = WORK / "stranger"
    command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger)
    done = command(*base, "-o", "IdentitiesOnly=yes", "-i", stranger, "127.0.0.1", "blksnap:version", expect=255)
    check("2.0.0.0" not in done.stdout, "a stranger's key was let in")

    check(mode(HOME / "data" / "blksnap-shell.key") == 0o600, "the key file can be read by others")
    socket = disk.uri.split("socket=")[1]
    check(mode(socket) == 0o600, f"{socket}: mode {mode(socket):o}")
    check(mode(os.path.dirname(socket)) == 0o700, f"{os.path.dirname(socket)}: mode {mode(os.path.dirname(socket)):o}")
    check(mode(HOME / "data" / "blksnap") == 0o700, "the state directory is open to others")
say(f"listeners: {', '.join(sorted(listeners))}")
