#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients with a command line of their own that no other script gives."""
import json

from kit import *


def test_nbd_client_lists_device_and_image():
    said = command("nbd-client", "-l", "-unix", SOCKET).stdout
    check(EXPORT in said and IMAGE in said, said)


def test_qemu_nbd_lists_everything_about_device_and_image():
    said = command("qemu-nbd", "--list", "--socket", SOCKET).stdout
    for word in (EXPORT, IMAGE, "flags:", "size:", "min block: 1", "opt block: 4096", "max block: 33554432", "base:allocation",
                 "qemu:dirty-bitmap:blksnap"):
        check(word in said, f"{word} is missing:\n{said}")
    for flag in ("flush", "fua", "trim", "zeroes", "df", "multi", "cache", "fast-zero"):
        check(flag in said, f"{flag} is missing:\n{said}")


def test_nbdinfo_json_of_all_exports():
    told = json.loads(command("nbdinfo", "--list", "--json", f"nbd+unix:///?socket={SOCKET}").stdout)
    names = [e["export-name"] for e in told["exports"]]
    check(EXPORT in names and IMAGE in names, names)
    check(told["protocol"] == "newstyle-fixed" and told["structured"], told)
    for export in told["exports"]:
        check(export["block_size_minimum"] == 1 and export["block_size_preferred"] == 4096, export)
        check(export["block_size_maximum"] == 32 * MIB, export)


def test_nbdsh_script():
    # nbdsh takes the first python3 of the path: the one that carries the module.
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    said = command("nbdsh", "-u", uri(), "-c", "h.pwrite(b'interop', 4097)", "-c", "print(h.pread(7, 4097))", "-c", "h.shutdown()",
                   env={**os.environ, "PATH": path}).stdout
    check("interop" in said, said)


def test_qemu_io_with_every_cache_mode_and_engine():
    for options in (("-t", "writeback"), ("-t", "writethrough"), ("-t", "directsync")):
        said = command("qemu-io", "-f", "raw", *options, "-c", "aio_write -P 7 30M 1M", "-c", "aio_write -z 31M 64k", "-c", "aio_flush",
                       "-c", "read -P 7 30M 1M", uri()).stdout
        check("fail" not in said.lower(), said)


def test_qemu_img_bench_reads_and_writes():
    for options in (("-c", "500", "-d", "32", "-s", "4k"), ("-c", "500", "-d", "32", "-s", "64k", "-w", "-o", "32M", "--flush-interval=50")):
        command("qemu-img", "bench", "-f", "raw", *options, uri())


def test_qemu_img_dd_and_measure():
    with scratch() as here:
        command("qemu-img", "dd", "-f", "raw", "-O", "raw", "bs=1M", "count=10", f"if={uri(IMAGE)}", f"of={here / 'a'}")
        command("cmp", "-n", 10 * MIB, here / "a", TAKEN)
        command("qemu-img", "measure", "-O", "qcow2", "-f", "raw", uri())


def test_nbdcopy_sparse_synchronous_and_to_itself():
    with scratch() as here:
        command("nbdcopy", "--synchronous", "--flush", uri(IMAGE), here / "a")
        command("cmp", here / "a", TAKEN)
        command("nbdcopy", "--allocated", "--requests=64", "--request-size=131072", here / "a", uri())
        command("nbdcopy", "--sparse=0", uri(), here / "b")
        command("cmp", here / "a", here / "b")
        command("nbdcopy", uri(IMAGE), uri())
        command("qemu-img", "compare", "-f", "raw", "-F", "raw", uri(), TAKEN)


def test_fio_trims_and_reads():
    with scratch() as here:
        for mode in ("randtrim", "randread", "trimwrite"):
            command("fio", f"--name={mode}", "--ioengine=nbd", f"--uri={uri()}", f"--rw={mode}", "--bs=4k", "--size=8m", "--iodepth=8",
                    f"--output={here / 'log'}", cwd=here)


main()
