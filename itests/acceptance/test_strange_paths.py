#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The distribution works in a folder of any name, twice; what cannot work is refused before anything starts."""
import shutil

from kit import *

# As an operator's shell may have it, and as a cron job has it.
POSIX = {"LC_ALL": "POSIX", "LANG": "POSIX"}
DEEP = "deep" * 40
LIVE = ["sp ace", "quote ' and &;()", "$HOME * ~ = +", "größe-диск-☃"]
REFUSED = ["colon:", "comma,", "at@", "percent%41", "hash#", "what?", "jar!", "pipe|", "angle<>", "quote\"", "caret^", "tick`", "brace{}", "bracket[]", "back\\slash", "new\nline", "${karaf.home}", b"latin-\xe4"]
# Short: below it lies a socket, whose path has 107 bytes at most.
TOP = os.path.join(os.fsencode(WORK.parent), b"s")


def install(name):
    home = os.path.join(TOP, os.fsencode(name))
    unpack(home)
    return home


def run(home, *arguments, expect=0, **more):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    return command(os.path.join(home, b"bin/blksnap"), *arguments, expect=expect, env={**environment, **POSIX}, **more)


def beside(home):
    """Everything that lies in the work folder beside the installation."""
    return {e for e in os.listdir(TOP) if os.path.join(TOP, e) != home}


def lives_twice(name):
    home = install(name)
    before = beside(home)
    disk = os.path.join(os.fsencode(WORK), "dïsk 1.img".encode())
    with open(disk, "wb") as stream:
        stream.write(os.urandom(8 * MIB))
    for turn in range(2):
        run(home, "start")
        try:
            run(home, "wait-ready", START_LIMIT, timeout=START_LIMIT + 10)
            if turn == 0:
                run(home, "device-attach", disk, "--name", "strange")
            rows = json.loads(run(home, "device-list", "--json").stdout)
            check([r["name"] for r in rows] == ["strange"] and rows[0]["condition"] == "ok", f"{name}, start {turn + 1}: {rows}")
            check(os.path.samefile(rows[0]["path"], disk), f"{name}: the path came back as {rows[0]['path']}")
            uri = json.loads(run(home, "export-list", "--json").stdout)[0]["uri"]
            check(compare(uri, os.fsdecode(disk)), f"{name}: what is served differs from the file")
            jvm = running(home)
            native_is_safe(name, jvm)
        finally:
            run(home, "stop")
        check(not os.path.exists(f"/proc/{jvm}/exe"), f"{name}: stop returned before the JVM ended")
    check(beside(home) == before, f"{name}: left beside the installation: {beside(home) - before}")
    shutil.rmtree(home)
    say(f"works, twice: {name}")


def takes_commands(name):
    """Though the path of its socket is longer than an address may be."""
    home = install(name)
    run(home, "start")
    try:
        run(home, "wait-ready", START_LIMIT, timeout=START_LIMIT + 10)
        check(json.loads(run(home, "device-list", "--json").stdout) == [], f"{name}: takes no commands")
    finally:
        run(home, "stop")
    shutil.rmtree(home)
    say(f"takes commands: {name}")


def running(home):
    words = run(home, "status").stdout.split()
    return int(words[words.index("process") + 1].rstrip(","))


def native_is_safe(name, jvm):
    """The place where JNA unpacks: without blanks, of its owner alone. No other file of the place is mapped as code."""
    options = pathlib.Path(f"/proc/{jvm}/cmdline").read_bytes().split(b"\0")
    place = next(o.split(b"=", 1)[1] for o in options if o.startswith(b"-Djna.tmpdir="))
    check(not any(c.isspace() for c in os.fsdecode(place)), f"{name}: JNA unpacks into {place}")
    check(os.stat(place).st_mode & 0o777 == 0o700, f"{name}: {place} is open to others")
    for row in pathlib.Path(f"/proc/{jvm}/maps").read_bytes().splitlines():
        fields = row.split(None, 5)
        if len(fields) == 6 and b"x" in fields[1] and fields[5].startswith(os.fsencode(WORK.parent)):
            check(fields[5].startswith(place + b"/"), f"{name}: mapped as code: {fields[5]}")


def is_refused(name):
    home = install(name)
    for script in ("blksnap", "start", "karaf"):
        done = subprocess.run([os.path.join(home, b"bin", script.encode()), *(["start"] if script == "blksnap" else [])],
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=COMMAND_LIMIT, env={**os.environ, **POSIX})
        check(done.returncode == 4, f"{name!r}: {script} ended with {done.returncode}: {done.stdout + done.stderr}")
        check(b"refused" in done.stderr, f"{name!r}: {script} does not say what is refused: {done.stderr}")
    check(not os.path.exists(os.path.join(home, b"data/log")) and not os.path.exists(os.path.join(home, b"lock")), f"{name!r}: something was begun")
    shutil.rmtree(home)


for name in REFUSED:
    is_refused(name)
say(f"refused with the reason, before anything starts: {len(REFUSED)} names")
for name in LIVE:
    lives_twice(name)
takes_commands(DEEP)
