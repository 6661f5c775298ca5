#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Another user of the host reads no file of a started distribution, finds no port, and no socket lets him in."""
import shutil
import stat

from kit import *

STRANGER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
if os.geteuid() != 0:
    skip("only root can become another user")


def as_stranger(*arguments, expect=None, **options):
    return command(*STRANGER, *arguments, expect=expect, cwd="/", **options)


def pids():
    """The JVM, and the script that waits for it."""
    jvm = pid()
    parent = int(pathlib.Path(f"/proc/{jvm}/stat").read_text().rpartition(")")[2].split()[1])
    return jvm, parent


with Disk("private") as disk:
    snapshot = Taken(disk)
    jvm, parent = pids()

    # The place the distribution lies in is open here: what closes it is its own.
    for above in [WORK.parent, *HOME.parents]:
        if str(above).startswith(str(WORK.parent)):
            os.chmod(above, 0o755)
    probe = WORK.parent / "open.txt"
    probe.write_text("x")
    os.chmod(probe, 0o644)
    check(as_stranger("cat", probe).stdout == "x", "the stranger cannot even read what is open: this proves nothing")

    check(stat.S_IMODE(os.stat(HOME).st_mode) == 0o700, "the distribution's directory is open to others")
    for part in ("etc", "data"):
        check(stat.S_IMODE(os.stat(HOME / part).st_mode) == 0o700, f"{part} is open to others")
    found = as_stranger("find", HOME, "-mindepth", "1", "-readable").stdout
    check(not found, f"readable by another user: {found[:400]}")
    for name in ("etc/config.properties", "etc/keys.properties", "data/log/karaf.log", "lib", "bin/blksnap"):
        check(as_stranger("cat", HOME / name).returncode != 0, f"another user reads {name}")
    made = [p for p in pathlib.Path(HOME / "data").rglob("*") if not p.is_symlink() and p.exists() and p.stat().st_mode & 0o022]
    check(not made, f"writable by others, were the directory above open: {made[:5]}")
    for name in ("etc/keys.properties", "data/console.sock", "lock"):
        mode = stat.S_IMODE(os.stat(HOME / name).st_mode)
        check(mode & 0o077 == 0, f"{name}: mode {mode:o}")
    shared = [p for p in pathlib.Path("/tmp").glob(f"hsperfdata_*/{jvm}")]
    check(not shared, f"a file of the JVM lies open to others: {shared}")

    listeners = [row.split()[3] for kind in ("-ltnp", "-lunp") for row in command("ss", "-H", kind).stdout.splitlines()
                 if f"pid={jvm}," in row or f"pid={parent}," in row]
    check(not listeners, f"ports are open: {listeners}")
    check(not (HOME / "data" / "port").exists(), "Karaf's shutdown port is written to data/port")
    client = shutil.copy(HOME / "bin" / "blksnap-console", WORK.parent)
    os.chmod(client, 0o755)
    console = HOME / "data" / "console.sock"
    check(command("perl", client, console, "version").returncode == 0, "the console does not even answer its owner")
    check(as_stranger("perl", client, console, "version").returncode == 255, "another user gives commands")
    nbd = disk.uri.split("socket=")[1]
    reached = as_stranger("nbdinfo", "--size", f"nbd+unix:///{disk.name}?socket={nbd}")
    check(reached.returncode != 0, "another user reads the device")
    for signal_number in ("-TERM", "-QUIT"):
        check(as_stranger("sh", "-c", f"kill {signal_number} {jvm}").returncode != 0, "another user may send signals")
    check(blksnap("version").returncode == 0 and pid() == jvm, "it does not run any more")
    snapshot.check_well()
say("a stranger finds no port, no socket that takes him, and no file")
