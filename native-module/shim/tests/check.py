#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check.py LIBRARY PROBE: runs every test of the probe with the library preloaded, against an engine of its own each.
The last line is the sum."""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import engine  # noqa: E402

LIMIT = 60


def main():
    library, probe = (str(pathlib.Path(given).resolve()) for given in sys.argv[1:3])
    names = subprocess.run([probe, "--list"], check=True, capture_output=True, text=True).stdout.split()
    passed = failed = 0
    for name in names + ["a_deep_socket_is_reached"]:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as work:
            path = pathlib.Path(work, *(["deep" * 20] * 2 if name.startswith("a_deep") else []), "s.sock")
            path.parent.mkdir(parents=True, exist_ok=True)
            engine.Engine(str(path))
            ran = name if name in names else names[0]
            environment = dict(os.environ, LD_PRELOAD=library, BLKSNAP_SOCKET=str(path), BLKSNAP_PATIENCE="1500")
            try:
                done = subprocess.run([probe, ran], env=environment, timeout=LIMIT, capture_output=True, text=True)
                said = done.stderr.strip() or f"exit status {done.returncode}"
                well = done.returncode == 0
            except subprocess.TimeoutExpired:
                well, said = False, f"not ended within {LIMIT} s"
        passed, failed = passed + well, failed + (not well)
        print("ok  " if well else "FAIL", name, "" if well else "- " + said, flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed != 0)


main()
