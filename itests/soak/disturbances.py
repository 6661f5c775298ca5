# SPDX-License-Identifier: Apache-2.0
"""What may happen to a server: updates, kills, restarts, clocks, storage that is slow, stuck or failing, writers behind its back.

Each says which images it may cost (excuses) and which change maps may begin anew (renewals); nothing else is forgiven.
"""
import time

import operations
from server import Refused

BUNDLES = ("tracker", "chunk", "diffstorage", "device", "nbd", "event", "shell", "ioctl", "control", "snapshot")
# How long storage may be stuck without costing an image: the stall limit is 20 s.
STUCK_SECONDS = 8
# How long a planted kill may take to strike.
STRIKE_LIMIT = 15


def excuse(soak, why, condition=lambda held: True):
    for held in soak.held:
        if condition(held):
            held.excuses.add(why)


def in_memory(held):
    return held.kind == "memory"


def swap(soak):
    name = soak.chance.choice(BUNDLES)
    soak.note("swap", name)
    with soak.weather.of("swap"):
        try:
            soak.server.run("bundle:update", f"org.blksnap.{name}", f"file:{soak.server.jar(name)}")
        except Refused:
            # The command line goes on in the shell it is given to; swapped, its answer may be lost.
            if name != "shell":
                raise
        soak.server.until(f"the engine answers after the update of {name}", lambda: len(soak.server.listing("device-list")) == len(soak.devices))
        soak.server.until(f"the exports are back after the update of {name}", lambda: len(soak.server.listing("export-list")) >= len(soak.devices))
    soak.journal.passed()


def dead(soak, foreign):
    """The server is dead or stopped: perhaps somebody writes to a device; then it comes back."""
    if foreign:
        device = soak.devices[0] if foreign < 0.5 else soak.devices[-1]
        soak.journal.remark(f"somebody writes to {device.name}")
        device.change_behind_its_back(soak.chance)
        device.may_renew("CHANGED_WHILE_DETACHED", "changed behind its back")
        device.may_renew("must", "it was changed behind the server's back")
        excuse(soak, "changed behind the server's back", lambda held: device in held.devices())
    took = soak.server.start()
    excuse(soak, "storage in memory ends with the process", in_memory)
    soak.journal.remark(f"ready after {took:.1f} s")


def by_chance(soak):
    """A number where somebody is to write meanwhile, else 0."""
    chosen, which = soak.chance.random(), soak.chance.random()
    return which if soak.faults and chosen < 0.5 else 0


def kill(soak):
    foreign, planted = by_chance(soak), soak.chance.random()
    with soak.weather.of("kill"):
        if planted < 0.5 and soak.faults and soak.held:
            soak.note("kill", "in the middle of a write to storage")
            victim = soak.server.pid()
            soak.server.faults("rule", "strike", "torn:512:kill", "on=write", f"path={soak.server.work}/diff/*", "count=1")
            end = time.monotonic() + STRIKE_LIMIT
            while soak.server.alive(victim) and time.monotonic() < end:
                time.sleep(0.05)
            soak.server.faults("clear", "strike")
        else:
            soak.note("kill", "at once")
        soak.server.kill()
        for device in soak.devices:
            if device.block:
                # A block device cannot tell who wrote last.
                device.may_renew("UNPROVEN", "killed on a block device")
                excuse(soak, "killed on a block device", lambda held: device in held.devices())
        dead(soak, foreign)
        soak.wait_healthy(*soak.devices)


def restart(soak):
    foreign = by_chance(soak)
    soak.note("restart", "")
    with soak.weather.of("restart"):
        soak.server.stop()
        dead(soak, foreign)
        soak.wait_healthy(*soak.devices)


def clock(soak):
    hours, drift, true = soak.chance.choice((-5, -1, 1, 3)), soak.chance.choice((0, 0, -200000, 200000)), soak.chance.random()
    words = ("true",) if true < 0.35 else (f"{hours:+d}h", "drift", str(drift))
    soak.note("clock", " ".join(words))
    soak.server.faults("clock", *words)


def storage(soak, kind, action, calls, seconds, path="*", meanwhile=None):
    with soak.weather.of(kind):
        soak.server.faults("rule", "storage", action, f"on={calls}", f"path={soak.server.work}/diff/{path}")
        try:
            time.sleep(seconds)
            if meanwhile:
                meanwhile(soak)
        finally:
            soak.server.faults("clear", "storage")


def slow(soak):
    milliseconds, seconds = soak.chance.choice((20, 100, 300)), soak.chance.uniform(1, 6)
    meanwhile = soak.chance.choice((None, swap, operations.snapshot, operations.destroy, operations.verify))
    soak.note("slow", f"storage, {milliseconds} ms a write, for {seconds:.1f} s" + (f", then {meanwhile.__name__}" if meanwhile else ""))
    storage(soak, "slow storage", f"delay:{milliseconds}", "write", seconds, meanwhile=meanwhile)


def stuck(soak):
    seconds = soak.chance.uniform(2, STUCK_SECONDS)
    soak.note("stuck", f"storage for {seconds:.1f} s")
    storage(soak, "stuck storage", "stuck", "write,sync", seconds)


def failing(soak):
    action, calls = soak.chance.choice((("fail:EIO", "write"), ("fail:ENOSPC", "write,allocate"), ("readonly", "write,allocate"), ("gone", "read,write,sync"), ("fail:EIO", "read")))
    held = soak.one(soak.held)
    if not held:
        return soak.journal.skipped("failing storage: no snapshot")
    soak.note("failing", f"{action} on {calls} of the storage of {held.id}")
    held.excuses.add(f"its storage failed ({action} on {calls})")
    storage(soak, "failing storage", action, calls, 2, f"{held.directory.name}/*")


def planted(soak):
    """A write past a server that runs, told to nobody: what the soak is there to notice."""
    device = soak.one(soak.devices)
    soak.note("planted", f"write behind {device.name} while it is attached")
    device.change_behind_its_back(soak.chance)


ALWAYS = ((swap, 8), (kill, 5), (restart, 2))
FAULTS = ((clock, 6), (slow, 6), (stuck, 2), (failing, 3))
PLANTED = ((planted, 20),)
