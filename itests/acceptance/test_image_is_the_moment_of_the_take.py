#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The image equals an independent copy made at the take, the device does not, all under fio."""
from kit import *

with Disk("moment") as disk:
    with Load(disk) as load:
        for turn in range(3):
            load.pause()
            copy = disk.copy(f"copy-{turn}.raw")
            snapshot = Taken(disk)
            load.resume()
            check(compare(snapshot.uri, copy), "the image differs from the copy made at the take")
            load.goes_on()
            check(not compare(disk.uri, snapshot.uri), "device and image are the same although fio writes")
            check(compare(snapshot.uri, copy), "the image changed while it was held")
            snapshot.check_well()
            snapshot.destroy()
        job = load.end()
say(f"3 takes; fio: {job['write']['total_ios']} writes without an error, longest {longest_latency(job):.0f} ms with its pauses")
