#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is not allowed is refused in one line: what, the value, what is allowed, the errno; nothing changes."""
from kit import *

NAME = "chunk_maximum_in_queue"
SHIFT = "tracking_block_minimum_shift"


def parameter(name):
    return next(row for row in listing("parameter-list") if row["name"] == name)


def log():
    return (HOME / "data" / "log" / "karaf.log").read_text(errors="replace")


def refused_parameter(name, value, old, told_before):
    row = until(f"{name} = {value} is refused", lambda: (lambda r: r if r["last_refusal"] and value in r["last_refusal"] else None)(parameter(name)))
    check(row["value"] == old, f"{name}: {old} was to stay, is {row['value']}")
    said = row["last_refusal"]
    for word in (name, value, str(row["minimum"]), str(row["maximum"])):
        check(word in said, f"the refusal does not name {word}: {said}")
    told = [f for f in listing("doctor", expect=None) if name in f["subject"] + f["observation"]]
    check(told and value in told[0]["observation"] + told[0]["subject"], f"doctor does not tell: {told}")
    until("the log tells", lambda: any(name in line and value in line for line in log()[told_before:].splitlines()))
    return said


def parameters():
    path = HOME / "etc" / "org.blksnap.parameters.cfg"
    original = path.read_text()
    old = parameter(SHIFT)["value"]
    try:
        for value in ("99", "abc"):
            at = len(log())
            path.write_text(original.replace(f"{SHIFT} = {old}", f"{SHIFT} = {value}"))
            check(path.read_text() != original, "the file has the parameter")
            say("file:", refused_parameter(SHIFT, value, old, at))
        path.write_text(original)
        until("the refusal is gone with the file mended", lambda: not parameter(SHIFT)["last_refusal"])
        old = parameter(NAME)["value"]
        for value in ("0", "abc"):
            at = len(log())
            blksnap("config:property-set", "-p", "org.blksnap.parameters", NAME, value)
            say("config:", refused_parameter(NAME, value, old, at))
        blksnap("config:property-set", "-p", "org.blksnap.parameters", NAME, "32")
        until("a good value comes into force", lambda: parameter(NAME)["value"] == 32 and not parameter(NAME)["last_refusal"])
        said = refused("parameter-set", NAME, "99999999999")
        check(NAME in said and "99999999999" in said, said)
        said = refused("parameter-set", "no_such_parameter", "1")
        check("no_such_parameter" in said, said)
    finally:
        blksnap("parameter-set", NAME, old, expect=None)
        path.write_text(original)


def attaching():
    for path, errno in ((WORK / "missing.img", "ENOENT"), (WORK, None), ("/dev/null", None)):
        said = refused("device-attach", path, "--name", "refused")
        check(str(path) in said and "[E" in said, said)
        check(errno is None or errno in said, said)
        say("attach:", said)
    with Disk("once") as disk:
        said = refused("device-attach", disk.path, "--name", "again")
        check("[EALREADY]" in said or "[EBUSY]" in said, said)
        said = refused("device-attach", WORK / "once.copy", "--name", "once")
        check("[E" in said, said)


def mounted_loop_device():
    if os.geteuid() != 0:
        say("not root: no mounted loop device tried")
        return
    image, point = WORK / "mounted.img", WORK / "mounted"
    command("truncate", "-s", "32M", image)
    command("mkfs.ext4", "-q", image)
    point.mkdir()
    loop = command("losetup", "--find", "--show", image).stdout.strip()
    try:
        command("mount", loop, point)
        try:
            said = refused("device-attach", loop, "--name", "mounted")
            check("mounted" in said and "[EBUSY]" in said, said)
            say("mounted:", said)
        finally:
            command("umount", point)
    finally:
        command("losetup", "--detach", loop)


def snapshots():
    unknown = "00000000-0000-4000-8000-000000000000"
    for words, errno in ((("snapshot-take", unknown), "ESRCH"), (("snapshot-info", unknown), "ESRCH"),
                         (("snapshot-destroy", unknown), "ENODEV"), (("snapshot-wait-event", unknown), "ESRCH"),
                         (("snapshot-append-storage", unknown, "--memory", "1M"), "ESRCH"),
                         (("snapshot", "nosuch"), "ENODEV"), (("cbt-info", "nosuch"), "ENODEV"),
                         (("cbt-map", "nosuch"), "ENODEV"), (("device-detach", "nosuch"), "ENODEV")):
        said = refused(*words)
        check(f"[{errno}]" in said, f"{' '.join(words)}: {errno} expected: {said}")
    with Disk("bare") as disk:
        id = listing("snapshot-create")["id"]
        check("[ENODEV]" in refused("snapshot-take", id), "a take without a device")
        check("[ESRCH]" in refused("snapshot-add", unknown, disk.name), "add to an unknown snapshot")
        blksnap("snapshot-add", id, disk.name)
        check("[EALREADY]" in refused("snapshot-add", id, disk.name), "a device added twice")
        said = refused("snapshot-take", id)
        check("storage" in said and "[E" in said, f"a take without storage: {said}")
        check(not listing("image-list"), "a refused take left an image")
        blksnap("snapshot-append-storage", id, "--memory", "1M")
        blksnap("snapshot-take", id)
        check("[EALREADY]" in refused("snapshot-take", id), "a second take")
        said = refused("cbt-map", disk.name, "--since", "99999")
        check("[E" in said, said)
        check("[EINVAL]" in refused("cbt-mark-dirty", disk.name, f"{disk.size}:4k"), "a range past the end")


def words():
    for name in ("a b", "it's", '"x"', "$HOME", "back\\slash", "semi;colon", "pipe|x", "{curly}", "star*", "new\nline"):
        path = WORK / f"file {name}.img"
        path.write_bytes(b"\0" * MIB)
        attached = listing("device-attach", path, "--name", "words", "--once")
        check(attached["path"] == str(path), f"{path} became {attached['path']}")
        check([r["path"] for r in listing("device-list")] == [str(path)], f"{path!r} in the list")
        blksnap("device-detach", "words")
    done = subprocess.run([PROGRAM, "version", "--json"], capture_output=True, text=True, timeout=COMMAND_LIMIT,
                          preexec_fn=lambda: os.close(0))
    check(done.returncode == 0 and json.loads(done.stdout), f"with standard input closed: {done}")
    done = subprocess.run([PROGRAM, "device-detach", "nosuch"], capture_output=True, text=True, timeout=COMMAND_LIMIT,
                          preexec_fn=lambda: os.close(0))
    check(done.returncode == 1, f"the exit status with standard input closed: {done}")
    check(blksnap("no-such-command", expect=None).returncode != 0, "an unknown command passes")


attaching()
mounted_loop_device()
snapshots()
words()
parameters()
