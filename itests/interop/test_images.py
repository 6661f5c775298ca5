#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The image of a held snapshot as an export: what was taken, writable for itself, read-only by choice."""
from kit import *
from wire import READ_ONLY


def same_as_taken():
    return command("qemu-img", "compare", "-f", "raw", "-F", "raw", uri(IMAGE), TAKEN, expect=None).returncode == 0


def flags(export):
    with greeted() as it:
        return it.info(export).flags


def test_image_is_what_was_taken_whatever_is_written_to_the_device():
    command("qemu-io", "-f", "raw", "-c", "write -P 0x77 0 9M", "-c", "write -P 0x78 123457 1000", "-c", "discard 10M 3M",
            "-c", "write -z 14M 1M", uri())
    check(same_as_taken(), "qemu-img compare finds a difference")
    with scratch() as here:
        command("nbdcopy", uri(IMAGE), here / "copy")
        command("cmp", here / "copy", TAKEN)


def test_image_write_lands_in_the_image_alone():
    with scratch() as here:
        command("nbdcopy", uri(), here / "before")
        original = open(TAKEN, "rb").read()
        handle = libnbd(IMAGE)
        for offset, size in ((0, 4096), (5 * MIB + 3, 70001), (handle.get_size() - 5, 5)):
            handle.pwrite(b"\x55" * size, offset)
            check(handle.pread(size, offset) == b"\x55" * size, f"{size} bytes at {offset} read back")
            check(original[offset:offset + size] != b"\x55" * size, "they were there before")
        handle.zero(MIB, 20 * MIB)
        handle.trim(MIB, 21 * MIB)
        check(handle.pread(MIB, 20 * MIB) == bytes(MIB), "zeroes")
        handle.flush()
        command("nbdcopy", uri(), here / "after")
        command("cmp", here / "before", here / "after")
        check(not same_as_taken(), "the writes left no trace")
        for offset, size in ((0, 4096), (5 * MIB + 3, 70001), (20 * MIB, 2 * MIB), (handle.get_size() - 5, 5)):
            handle.pwrite(original[offset:offset + size], offset)
        handle.shutdown()
        check(same_as_taken(), "written back, it differs")


def test_fio_verifies_on_the_image():
    with scratch() as here:
        part = 16 * MIB
        command("fio", "--name=image", "--ioengine=nbd", f"--uri={uri(IMAGE)}", "--rw=randwrite", "--bs=4k-64k", f"--offset={8 * MIB}",
                "--size=8m", "--iodepth=16", "--verify=crc32c", "--verify_fatal=1", f"--output={here / 'log'}", cwd=here)
        with open(TAKEN, "rb") as taken:
            taken.seek(8 * MIB)
            original = taken.read(part)
        handle = libnbd(IMAGE)
        handle.pwrite(original, 8 * MIB)
        handle.shutdown()
        check(same_as_taken(), "written back, it differs")


def test_image_is_read_only_by_choice_for_every_client():
    with configured(lambda: flags(IMAGE) & READ_ONLY, lambda: not flags(IMAGE) & READ_ONLY, {"images_read_only": False},
                    images_read_only=True):
        check(not flags(EXPORT) & READ_ONLY, "the device became read-only")
        check("is_read_only: true" in command("nbdinfo", uri(IMAGE)).stdout, "nbdinfo")
        check(command("qemu-io", "-f", "raw", "-c", "write 0 4k", uri(IMAGE), expect=None).returncode != 0, "qemu-io writes")
        with scratch() as here:
            (here / "a").write_bytes(bytes(MIB))
            check(command("nbdcopy", here / "a", uri(IMAGE), expect=None).returncode != 0, "nbdcopy writes")
        check(same_as_taken(), "something was written")


def test_a_client_there_before_the_choice_keeps_what_it_was_told():
    handle = libnbd(IMAGE)
    with configured(lambda: flags(IMAGE) & READ_ONLY, lambda: not flags(IMAGE) & READ_ONLY, {"images_read_only": False},
                    images_read_only=True):
        data = handle.pread(512, 0)
        handle.pwrite(data, 0)
    handle.shutdown()


main()
