# SPDX-License-Identifier: Apache-2.0
"""What the tests share: where the server is, its configuration, the clients, and how tests are run.

Set by run.sh:
NBD_SOCKET   unix socket of the server
NBD_EXPORT   a writable export of at least 64 MiB whose content may be destroyed
NBD_IMAGE    its image, held since before the first test
NBD_TAKEN    a file with what the export held at that moment
NBD_SOURCE   a source's export with the same content, read-only; not set where none is served
NBD_FILE     the file behind the export; only to be looked at
NBD_PKI      directory of keys and certificates, see pki.sh
BLKSNAP_HOME a distribution that serves all this; or
NBD_CONTROL  a pipe that takes lines "KEY VALUE", the test server's configuration
"""
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import wire

SOCKET = os.environ["NBD_SOCKET"]
EXPORT = os.environ["NBD_EXPORT"]
IMAGE = os.environ["NBD_IMAGE"]
TAKEN = os.environ["NBD_TAKEN"]
FILE = os.environ["NBD_FILE"]
PKI = pathlib.Path(os.environ["NBD_PKI"])
HOME = os.environ.get("BLKSNAP_HOME")
KIB, MIB = 1 << 10, 1 << 20

# Longest waits, seconds.
COMMAND_LIMIT = 120
CONDITION_LIMIT = 30


class Skipped(Exception):
    """A test cannot run here."""


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(map(str, what)))


def until(what, condition, limit=CONDITION_LIMIT):
    begin = time.monotonic()
    while not condition():
        check(time.monotonic() - begin < limit, f"not within {limit} s: {what}")
        time.sleep(0.05)


def command(*words, expect=0, **options):
    """Runs a program; expect=None takes any exit status."""
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=COMMAND_LIMIT, **options)
    check(expect is None or done.returncode == expect,
          f"{' '.join(map(str, words))}: exit status {done.returncode}, not {expect}\n{done.stdout}{done.stderr}")
    return done


def uri(export=EXPORT):
    return f"nbd+unix:///{export}?socket={SOCKET}"


def client(export=EXPORT, mode=wire.STRUCTURED, *contexts):
    """The strict client, in the transmission phase."""
    return wire.Client.unix(SOCKET).enter(export, mode, *contexts)


def greeted():
    """The strict client, before its first option."""
    return wire.Client.unix(SOCKET).hello()


def libnbd(export=EXPORT, *contexts):
    """libnbd's handle, connected; its own checks of what it is asked are off."""
    import nbd
    handle = nbd.NBD()
    for context in contexts:
        handle.add_meta_context(context)
    handle.set_strict_mode(0)
    handle.connect_uri(uri(export))
    return handle


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configure(**values):
    """Changes the server's configuration; it is in force soon after, not at once.

    The distribution's by its file, which is what counts: two config:property-set one right after the other may meet
    the shell's own reading of that file, and the second is lost then.
    """
    texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}
    if HOME:
        file = pathlib.Path(HOME) / "etc" / "org.blksnap.nbd.cfg"
        kept = [line for line in file.read_text().splitlines() if line.partition("=")[0].strip() not in texts]
        new = file.with_suffix(".new")
        new.write_text("\n".join(kept + [f"{key} = {text}" for key, text in texts.items()]) + "\n")
        new.rename(file)
        return
    for key, text in texts.items():
        with open(os.environ["NBD_CONTROL"], "w") as pipe:
            pipe.write(f"{key} {text}\n")


@contextlib.contextmanager
def configured(effect, back, restore, **values):
    """Values in force within the block: effect() and back() tell when they are and are no more."""
    configure(**values)
    try:
        until(f"{values} are in force", effect)
        yield
    finally:
        configure(**restore)
        until(f"{restore} are in force again", back)


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory(prefix="interop.") as directory:
        yield pathlib.Path(directory)


def main():
    """Runs every test_ function of the script, in the order they stand there."""
    script = sys.modules["__main__"]
    prefix = pathlib.Path(script.__file__).stem.removeprefix("test_")
    wanted = sys.argv[1:]
    worst = 0
    for name, test in list(vars(script).items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        label = f"{prefix}.{name.removeprefix('test_')}"
        try:
            test()
            print("ok", label, flush=True)
        except Skipped as e:
            print("SKIP", label, e, flush=True)
        except Exception:
            worst = 1
            print("FAIL", label, flush=True)
            print("    " + traceback.format_exc().replace("\n", "\n    "), flush=True)
    sys.exit(worst)
