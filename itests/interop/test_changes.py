#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The change map of a held snapshot through its contexts: every client sees the same, and it names every change."""
import json

from kit import *
from wire import EXTENDED, OPT_LIST_META_CONTEXT, STRUCTURED

BITMAP = "qemu:dirty-bitmap:blksnap"


def by_nbdinfo(export, context):
    rows = json.loads(command("nbdinfo", "--json", f"--map={context}", uri(export)).stdout)
    at = 0
    for row in rows:
        check(row["offset"] == at and row["length"] > 0, f"a hole or an overlap at {at}: {row}")
        at += row["length"]
    return merged((row["offset"], row["length"]) for row in rows if row["type"] & 1)


def by_qemu(export, context):
    rows = json.loads(command("qemu-img", "map", "--output=json", "--image-opts",
                              f"driver=nbd,export={export},server.type=unix,server.path={SOCKET},x-dirty-bitmap={context}").stdout)
    return merged((row["start"], row["length"]) for row in rows if not row["data"])


def by_libnbd(export, context):
    handle = libnbd(export, context)
    found, at, size = [], 0, handle.get_size()

    def extent(name, offset, entries, error):
        nonlocal at
        for length, flags in zip(entries[::2], entries[1::2]):
            if flags & 1:
                found.append((offset, length))
            offset += length
        at = offset

    while at < size:
        handle.block_status(size - at, at, extent)
    handle.shutdown()
    return merged(found)


def by_strict(export, context, mode):
    with client(export, mode, context) as it:
        found, at = [], 0
        while at < it.size:
            for length, flags in it.block_status(at, it.size - at)[context]:
                if flags & 1:
                    found.append((at, length))
                at += length
        return merged(found)


def merged(extents):
    result = []
    for offset, length in sorted(extents):
        if result and sum(result[-1]) == offset:
            result[-1] = (result[-1][0], result[-1][1] + length)
        else:
            result.append((offset, length))
    return result


def contexts(export, *queries):
    with greeted() as it:
        it.raise_to(STRUCTURED)
        return list(it.meta(OPT_LIST_META_CONTEXT, export, *queries))


def test_every_client_sees_the_same_changes_of_device_and_image():
    for export in (EXPORT, IMAGE):
        seen = by_nbdinfo(export, BITMAP)
        check(seen, f"{export}: nothing has changed")
        for who, other in (("qemu-img", by_qemu(export, BITMAP)), ("libnbd", by_libnbd(export, BITMAP)),
                           ("structured", by_strict(export, BITMAP, STRUCTURED)), ("extended", by_strict(export, BITMAP, EXTENDED))):
            check(other == seen, f"{export}: {who} sees {other}, nbdinfo {seen}")
    check(by_nbdinfo(EXPORT, BITMAP) == by_nbdinfo(IMAGE, BITMAP) or HOME, "device and image of one take")


def test_every_bitmap_and_point_listed_can_be_read_and_older_ones_hold_newer_ones():
    bitmaps = sorted(c for c in contexts(EXPORT, "qemu:dirty-bitmap:") if c != BITMAP)
    points = sorted(contexts(EXPORT, "blksnap:changed:"))
    check(len(bitmaps) == len(points) > 0, f"bitmaps {bitmaps}, points {points}")
    sizes = []
    size = int(command("nbdinfo", "--size", uri()).stdout)
    for bitmap, point in zip(bitmaps, points):
        seen = by_nbdinfo(EXPORT, bitmap)
        if bitmap.endswith("since-0"):
            check(seen == [(0, size)], "a bitmap since no take names everything")
        else:
            check(seen == by_strict(EXPORT, point, EXTENDED), f"{bitmap} and {point} differ")
        sizes.append(sum(length for _, length in seen))
    check(sizes == sorted(sizes, reverse=True), f"changed bytes since each take: {sizes}")


def test_the_latest_bitmap_is_the_last_number():
    numbers = [int(c.rpartition("-")[2]) for c in contexts(EXPORT, "qemu:dirty-bitmap:") if c != BITMAP]
    check(by_nbdinfo(EXPORT, BITMAP) == by_nbdinfo(EXPORT, f"qemu:dirty-bitmap:since-{max(numbers)}"), "the latest")


def test_a_point_of_another_generation_has_everything_changed():
    strange = "blksnap:changed:00000000-0000-4000-8000-000000000000:1"
    size = int(command("nbdinfo", "--size", uri()).stdout)
    check(by_strict(EXPORT, strange, STRUCTURED) == [(0, size)], "not everything")


def test_changes_made_before_the_take_are_named_and_later_ones_are_not():
    if not HOME:
        # The test server's map is made up.
        return
    seen = by_nbdinfo(IMAGE, BITMAP)
    # What run.sh wrote and discarded between its two takes.
    for offset, length in ((0, 64 * KIB), (1000000, 5), (20 * MIB, 3 * MIB), (24 * MIB, MIB), (128 * MIB - 1, 1)):
        check(any(o <= offset and offset + length <= o + n for o, n in seen), f"{length} bytes at {offset} are not named: {seen}")
    check(sum(n for _, n in seen) < 8 * MIB, f"far more than 4 MiB are named: {seen}")
    command("qemu-io", "-f", "raw", "-c", "write -P 9 100M 64k", uri())
    check(by_nbdinfo(IMAGE, BITMAP) == seen, "a write after the take is named")


def test_the_shell_tells_the_same_map():
    if not HOME:
        return
    told = json.loads(command(f"{HOME}/bin/blksnap", "cbt-map", EXPORT, "--json").stdout)
    check(merged((r["offset"], r["length"]) for r in told if r["type"] & 1) == by_nbdinfo(EXPORT, BITMAP), "cbt-map")


main()
