#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A fresh distribution listens on no port, and keeps its sockets and files to itself."""
import stat

from kit import *


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


with Disk("locked") as disk:
    me = f"pid={pid()},"
    for kind in ("-ltnp", "-lunp"):
        listeners = [row for row in command("ss", "-H", kind).stdout.splitlines() if me in row]
        check(not listeners, f"listens on ports: {listeners}")
    console = HOME / "data" / "console.sock"
    check(mode(console) == 0o600, f"{console}: mode {mode(console):o}")
    socket = disk.uri.split("socket=")[1]
    check(mode(socket) == 0o600, f"{socket}: mode {mode(socket):o}")
    check(mode(os.path.dirname(socket)) == 0o700, f"{os.path.dirname(socket)}: mode {mode(os.path.dirname(socket)):o}")
    check(mode(HOME / "data" / "blksnap") == 0o700, "the state directory is open to others")
say("no port is open; the sockets of the console and of NBD are their owner's alone")
