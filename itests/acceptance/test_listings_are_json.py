#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every listing command prints JSON and nothing else while fio writes through NBD."""
from kit import *

with Disk("listed") as disk:
    with Load(disk) as load:
        snapshot = Taken(disk)
        rows = [("version",), ("device-list",), ("cbt-info", disk.name), ("cbt-map", disk.name),
                ("cbt-map", snapshot.image), ("snapshot-list",), ("snapshot-info", snapshot.id), ("image-list",),
                ("export-list",), ("parameter-list",), ("doctor",)]
        for row in rows:
            done = blksnap(*row, "--json")
            command("python3", "-m", "json.tool", stdin=None, input=done.stdout)
            check(not done.stderr, f"{row}: messages beside the JSON: {done.stderr}")
            load.check_runs()
        check(len(listing("parameter-list")) == 9, "nine parameters")
        check({r["kind"] for r in listing("export-list")} >= {"device", "image"}, "exports of both kinds")
        job = load.end()
say(f"{len(rows)} listings; fio: {job['write']['total_ios']} writes without an error")
