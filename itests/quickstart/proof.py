#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proofs of the quickstart that trust nothing of blksnap: plain reads of plain files.

fill DIRECTORY BYTES            copies files of this machine into DIRECTORY, about BYTES of them
manifest DIRECTORY              prints a checksum a file, fio.dat left out
run IMAGE PATH                  prints offset and length of the longest run of bytes of a file in an ext4 image
covers A B MAP                  compares A and B block by block, and what differs with an extent list
same-map MAP MAP                compares two extent lists
field NAME                      prints a field of the JSON object on standard input
export NAME                     prints the uri of an export out of export-list --json
free-port                       prints a TCP port nobody listens on
"""
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys

LOAD_FILE = "fio.dat"
SOURCES = ("/usr/share", "/usr/bin", "/usr/lib", "/usr/include")
BLOCK = 4096
READ = 1 << 20
# Of files smaller than this, one in SMALL_SHARE is taken: many of them take long and prove no more.
SMALL = 16384
SMALL_SHARE = 10


def fill(directory, limit):
    limit = int(limit)
    total = files = small = 0
    for source in SOURCES:
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path) or not os.access(path, os.R_OK):
                    continue
                size = os.path.getsize(path)
                if size < SMALL:
                    small += 1
                    if small % SMALL_SHARE:
                        continue
                # A directory entry and an inode cost space as well.
                cost = (size + BLOCK - 1) // BLOCK * BLOCK + 512
                if total + cost > limit:
                    continue
                target = os.path.join(directory, path.lstrip("/"))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(path, target)
                total += cost
                files += 1
                if total > limit - READ:
                    print(files, total)
                    return
    print(files, total)


def manifest(directory):
    for folder, folders, names in os.walk(directory):
        folders.sort()
        if "lost+found" in folders:
            folders.remove("lost+found")
        for name in sorted(names):
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, directory)
            if relative == LOAD_FILE:
                continue
            digest = hashlib.sha256()
            with open(path, "rb") as stream:
                while piece := stream.read(READ):
                    digest.update(piece)
            print(digest.hexdigest(), relative)


def run(image, path):
    out = subprocess.run(["debugfs", "-R", "stats -h", image], capture_output=True, text=True, check=True).stdout
    block = int(re.search(r"Block size:\s*(\d+)", out).group(1))
    out = subprocess.run(["debugfs", "-R", "blocks " + path, image], capture_output=True, text=True, check=True).stdout
    numbers = [int(word) for word in out.split()]
    best = (0, 0)
    start = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] != numbers[i - 1] + 1:
            if i - start > best[1]:
                best = (numbers[start], i - start)
            start = i
    print(best[0] * block, best[1] * block)


def extents(path):
    with open(path) as stream:
        rows = json.load(stream)
    merged = []
    for row in sorted(rows, key=lambda r: int(r["offset"])):
        if int(row["type"]) & 1 == 0:
            continue
        begin, end = int(row["offset"]), int(row["offset"]) + int(row["length"])
        if merged and merged[-1][1] == begin:
            merged[-1][1] = end
        else:
            merged.append([begin, end])
    return merged


def covers(first, second, changes):
    named = extents(changes)
    differing = missed = 0
    at = 0
    useful = set()
    with open(first, "rb") as a, open(second, "rb") as b:
        if os.fstat(a.fileno()).st_size != os.fstat(b.fileno()).st_size:
            sys.exit("the copies differ in size")
        offset = 0
        while True:
            x, y = a.read(READ), b.read(READ)
            if not x:
                break
            if x != y:
                for i in range(0, len(x), BLOCK):
                    if x[i : i + BLOCK] == y[i : i + BLOCK]:
                        continue
                    here = offset + i
                    differing += 1
                    while at < len(named) and named[at][1] <= here:
                        at += 1
                    if at == len(named) or named[at][0] > here:
                        missed += 1
                        if missed <= 5:
                            print("not named: block at", here, file=sys.stderr)
                    else:
                        useful.add(here)
            offset += len(x)
    dirty = sum(end - begin for begin, end in named)
    changed = differing * BLOCK
    over = 100.0 * (dirty - len(useful) * BLOCK) / dirty if dirty else 0.0
    print(
        f"{differing} blocks of {BLOCK} bytes differ ({changed >> 10} KiB), {missed} of them not named;"
        f" {len(named)} extents name {dirty >> 10} KiB, {over:.1f} % of it unchanged"
    )
    if differing == 0:
        sys.exit("nothing differs: this proves nothing")
    if missed:
        sys.exit(1)


def same_map(first, second):
    a, b = extents(first), extents(second)
    if a != b:
        sys.exit(f"maps differ: {len(a)} and {len(b)} dirty extents, first difference "
                 f"{next(((x, y) for x, y in zip(a, b) if x != y), 'past the shorter one')}")
    print(f"{len(a)} dirty extents in both")


def field(name):
    value = json.load(sys.stdin)
    for part in name.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    print(value)


def export(name):
    for row in json.load(sys.stdin):
        if row["name"] == name:
            print(row["uri"])
            return
    sys.exit(f"no export named {name}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        print(probe.getsockname()[1])


if __name__ == "__main__":
    commands = {
        "fill": fill, "manifest": manifest, "run": run, "covers": covers,
        "same-map": same_map, "field": field, "export": export, "free-port": free_port,
    }
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
