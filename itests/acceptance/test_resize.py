#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Growth and shrinking of the file behind a device are noticed within a second; live I/O goes on."""
from kit import *

NOTICED_WITHIN = 1.0

with Disk("resized", size=32 * MIB) as disk:
    before = disk.info()
    command("truncate", "-s", "+16M", disk.path)
    begin = time.monotonic()
    while disk.row()["device_capacity"] != 48 * MIB:
        check(time.monotonic() - begin < NOTICED_WITHIN, "growth is not noticed within a second")
    grown = disk.info()
    check(grown["generation_id"] != before["generation_id"], "growth kept the generation")
    check(grown["reason"] == "RESIZE" and grown["device_capacity"] == 48 * MIB, f"{grown}")
    check(int(command("nbdinfo", "--size", disk.uri).stdout) == 48 * MIB, "NBD still tells the old size")
    command("qemu-io", "-f", "raw", "-c", "write -P 7 40M 64k", "-c", "read -P 7 40M 64k", disk.uri)

    snapshot = Taken(disk)
    command("truncate", "-s", "24M", disk.path)
    begin = time.monotonic()
    while disk.row()["device_capacity"] != 24 * MIB:
        check(time.monotonic() - begin < NOTICED_WITHIN, "shrinking is not noticed within a second")
    image = until("the snapshot of the shrunk device is corrupted", snapshot.corrupted)
    check(image["detail"], f"no reason: {image}")
    check(disk.info()["reason"] == "RESIZE", f"{disk.info()}")
    command("qemu-io", "-f", "raw", "-c", "write -P 9 16M 64k", "-c", "read -P 9 16M 64k", disk.uri)
    say(f"grown and shrunk; the image: {image['error']}: {image['detail']}")
    snapshot.destroy()
    check(compare(Taken(disk).uri, disk.path), "a snapshot after it is exact")
