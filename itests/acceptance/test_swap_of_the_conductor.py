#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An update of the snapshot bundle, the conductor, ends connections as a restart does, and brings all back exact."""
from kit import *

with Disk("conducted", once=False) as disk:
    with Load(disk) as load:
        load.pause()
        copy = disk.copy("copy.raw")
        snapshot = Taken(disk)
        load.resume()
        load.end()
    before = disk.info()
    held = disk.copy("held.raw")
    blksnap("bundle:update", "org.blksnap.snapshot", "file:" + bundle_jar("snapshot"))
    until("the device is back", lambda: blksnap("cbt-info", disk.name, expect=None).returncode == 0)
    until("the snapshot is back", lambda: blksnap("snapshot-info", snapshot.id, expect=None).returncode == 0)
    until("the image is exported", lambda: snapshot.image in [e["name"] for e in listing("export-list")])
    after = disk.info()
    check(after["generation_id"] == before["generation_id"], f"the change map was begun anew: {after}")
    snapshot.check_well()
    check(compare(snapshot.uri, copy), "the image differs from the copy")
    check(compare(disk.uri, held), "the device differs from its file")
    with Load(disk) as load:
        load.goes_on()
        check(compare(snapshot.uri, copy), "the image differs from the copy once writing went on")
        load.end()
