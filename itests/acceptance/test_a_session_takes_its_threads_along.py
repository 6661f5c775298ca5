#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A terminal that goes away in the middle of a long output, as of help, leaves no thread at work behind."""
import pty

from kit import *

LINES = ["help", "log:display | more", "log:display | less", "bundle:list -t 0 | less", "blksnap:doctor"]
# A thread that works for more than this part of a look is at work.
SHARE = 0.5
LOOK = 1.0
TICKS = os.sysconf("SC_CLK_TCK")


def work():
    """Processor time of each thread of the JVM, seconds."""
    found = {}
    for task in pathlib.Path(f"/proc/{jvm}/task").iterdir():
        with contextlib.suppress(OSError):
            name, _, rest = (task / "stat").read_text().rpartition(")")
            fields = rest.split()
            found[task.name] = (name.split("(", 1)[1], (int(fields[11]) + int(fields[12])) / TICKS)
    return found


def busy():
    """Threads of sessions and pipes that are at work all the time."""
    before = work()
    time.sleep(LOOK)
    return [name for task, (name, spent) in work().items()
            if task in before and spent - before[task][1] > SHARE * LOOK and ("pipe" in name or "console" in name or "Karaf" in name)]


def leave(line):
    """Types a line in an interactive shell, sees its answer begin, and is killed."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execv(PROGRAM, [PROGRAM, "shell"])
    seen = b""
    sent = False
    begin = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() - begin < CONDITION_LIMIT:
            seen += os.read(terminal, 65536)
            if not sent and b"blksnap>" in seen:
                os.write(terminal, line.encode() + b"\r")
                sent, seen = True, b""
            elif sent and len(seen) > 4 * len(line) + 400:
                break
    check(sent and seen, f"{line}: no shell, or no answer: {seen[-300:]}")
    # The console's client is a child of bin/blksnap.
    for task in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(task.read_text().rpartition(")")[2].split()[1]) == child:
                os.kill(int(task.parent.name), signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(terminal)


jvm = pid()
until("nothing is at work", lambda: not busy())
for line in LINES:
    for _ in range(2):
        leave(line)
left = until("no session's thread is at work any more", lambda: not busy() or None)
say(f"{len(LINES)} kinds of output left in the middle: no thread at work")
