#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The handshake, option by option, as the strict client sees it."""
import struct

from kit import *
from wire import *

NOBODY = "no-such-export"
ALLOCATION = "base:allocation"
BITMAP = "qemu:dirty-bitmap:blksnap"


def refused(kind, ask, *words):
    try:
        ask(*words)
    except Refused as e:
        check(e.kind == kind, f"refused with {e.kind - REP_ERROR}, not {kind - REP_ERROR}: {e.text}")
        check(e.text, "a refusal without a word")
        return
    check(False, f"not refused: {words}")


def test_list_names_device_and_image():
    with greeted() as it:
        found = it.list()
        check(EXPORT in found and IMAGE in found, f"listed: {found}")
        check(found[EXPORT] and found[IMAGE], f"without a description: {found}")


def test_list_with_data_is_invalid():
    with greeted() as it:
        refused(ERR_INVALID, it.ask, OPT_LIST, b"x")
        check(it.list(), "the next option is answered")


def test_info_tells_all_that_is_asked_for_and_go_the_same():
    with greeted() as it:
        wanted = (INFO_NAME, INFO_DESCRIPTION, INFO_BLOCK_SIZE)
        told = it.info(EXPORT, *wanted)
        check(told.name == EXPORT and told.description and told.blocks, told)
        check(told == it.go(EXPORT, *wanted), "GO told something else than INFO")
        check(len(it.read(0, 512)) == 512, "in the transmission phase")


def test_information_nobody_knows_is_passed_over():
    with greeted() as it:
        check(it.info(EXPORT, 999, INFO_NAME).name == EXPORT, "INFO_NAME beside an unknown one")


def test_every_flag_is_offered_as_the_headers_allow():
    everything = SEND_FLUSH | SEND_FUA | SEND_TRIM | SEND_WRITE_ZEROES | CAN_MULTI_CONN | SEND_CACHE | SEND_FAST_ZERO
    for mode in MODES:
        with client(EXPORT, mode) as it:
            expected = everything | (SEND_DF if mode != SIMPLE else 0)
            check(it.flags & ~ROTATIONAL == HAS_FLAGS | expected, f"{mode}: flags {it.flags:#x}")


def test_status_payloads_are_offered_to_who_has_contexts_to_pick_from():
    for contexts in ((), (ALLOCATION,)):
        with client(EXPORT, EXTENDED, *contexts) as it:
            check(bool(it.flags & BLOCK_STATUS_PAYLOAD) == bool(contexts), f"flags {it.flags:#x} with {contexts}")


def test_unknown_export_is_refused_and_the_next_one_served():
    with greeted() as it:
        refused(ERR_UNKNOWN, it.info, NOBODY)
        refused(ERR_UNKNOWN, it.go, NOBODY)
        it.go(EXPORT)
        it.read(0, 1)


def test_empty_name_is_the_only_device():
    with greeted() as it:
        check(it.info("", INFO_NAME).name == EXPORT, "the default export")


def test_malformed_info_is_invalid():
    name = EXPORT.encode()
    for data in (b"", b"\0\0\0", struct.pack(">IH", 99, 0), struct.pack(">I", len(name)) + name,
                 struct.pack(">I", len(name)) + name + struct.pack(">HH", 2, INFO_NAME),
                 struct.pack(">I", len(name)) + name + struct.pack(">H", 0) + b"x",
                 struct.pack(">I", 2) + b"\xff\xfe" + struct.pack(">H", 0)):
        with greeted() as it:
            refused(ERR_INVALID, it.ask, OPT_GO, data)
            check(it.list(), "the next option is answered")


def test_export_name_answers_with_and_without_zeroes():
    for flags, zeroes in ((3, 0), (1, 124)):
        with wire.Client.unix(SOCKET).hello(flags) as it:
            it.option(OPT_EXPORT_NAME, EXPORT.encode())
            it.size, it.flags = it.unpack(">QH")
            it.check_flags(it.flags)
            check(it.take(zeroes) == bytes(zeroes), "zeroes")
            check(len(it.read(0, 4096)) == 4096, "in the transmission phase")


def test_export_name_without_fixed_newstyle():
    with wire.Client.unix(SOCKET).hello(0) as it:
        it.option(OPT_EXPORT_NAME, EXPORT.encode())
        it.size, it.flags = it.unpack(">QH")
        check(it.take(124) == bytes(124), "zeroes")
        it.leave()


def test_export_name_of_nothing_ends_the_session():
    with greeted() as it:
        it.option(OPT_EXPORT_NAME, NOBODY.encode())
        check(it.ended(), "the session goes on")


def test_abort_is_acknowledged_and_ends_the_session():
    for data in (b"", b"ignored"):
        with greeted() as it:
            check(it.ask(OPT_ABORT, data) == [], "ABORT")
            check(it.ended(), "the session goes on")


def test_unknown_options_are_unsupported():
    with greeted() as it:
        for option in (4, 12, 0, 0xFFFFFFFF):
            refused(ERR_UNSUP, it.ask, option, b"whatever")
        check(it.list(), "the next option is answered")


def test_unknown_client_flag_ends_the_session():
    with wire.Client.unix(SOCKET).hello(7) as it:
        check(it.ended(), "the session goes on")


def test_wrong_magic_ends_the_session():
    with greeted() as it:
        it.send(b"IHAVEOPS" + struct.pack(">II", OPT_LIST, 0))
        check(it.ended(), "the session goes on")


def test_option_of_gigabytes_ends_the_session():
    with greeted() as it:
        it.send(struct.pack(">QII", IHAVEOPT, OPT_LIST, 0xFFFFFFFF))
        check(it.ended(), "the session goes on")


def test_starttls_on_the_unix_socket_is_against_its_policy():
    with greeted() as it:
        refused(ERR_POLICY, it.ask, OPT_STARTTLS)
        it.go(EXPORT)


def test_headers_are_raised_and_never_lowered():
    with greeted() as it:
        refused(ERR_INVALID, it.ask, OPT_STRUCTURED_REPLY, b"x")
        refused(ERR_INVALID, it.ask, OPT_EXTENDED_HEADERS, b"x")
        it.raise_to(STRUCTURED)
        it.raise_to(EXTENDED)
        refused(ERR_EXT_HEADER_REQD, it.ask, OPT_STRUCTURED_REPLY)
        it.go(EXPORT)
        check(len(it.read(0, 4096)) == 4096, "extended headers are in use")


def test_contexts_want_structured_replies_first():
    with greeted() as it:
        refused(ERR_INVALID, it.meta, OPT_SET_META_CONTEXT, EXPORT, ALLOCATION)


def test_contexts_are_listed_all_by_namespace_and_by_name():
    with greeted() as it:
        it.raise_to(STRUCTURED)
        listed = it.meta(OPT_LIST_META_CONTEXT, EXPORT)
        check(ALLOCATION in listed and BITMAP in listed, f"listed: {list(listed)}")
        check(list(it.meta(OPT_LIST_META_CONTEXT, EXPORT, "base:")) == [ALLOCATION], "base:")
        bitmaps = it.meta(OPT_LIST_META_CONTEXT, EXPORT, "qemu:dirty-bitmap:")
        check(BITMAP in bitmaps and all(b.startswith("qemu:dirty-bitmap:") for b in bitmaps), f"bitmaps: {bitmaps}")
        check(not it.meta(OPT_LIST_META_CONTEXT, EXPORT, "x-nobody:", "base:nothing"), "unknown ones")
        refused(ERR_UNKNOWN, it.meta, OPT_LIST_META_CONTEXT, NOBODY)


def test_selecting_ignores_wildcards_and_unknown_names():
    with greeted() as it:
        it.raise_to(STRUCTURED)
        check(not it.select(EXPORT), "no query selects nothing")
        check(not it.select(EXPORT, "base:", "qemu:", "x-nobody:thing"), "wildcards select nothing")
        check(list(it.select(EXPORT, ALLOCATION, "base:nothing", ALLOCATION)) == [ALLOCATION], "one of them")


def test_malformed_queries_are_invalid():
    name = struct.pack(">I", len(EXPORT)) + EXPORT.encode()
    for data in (b"", name, name + struct.pack(">I", 1), name + struct.pack(">II", 1, 99), name + struct.pack(">I", 0xFFFFFFFF),
                 name + struct.pack(">I", 0) + b"x", struct.pack(">I", 0xFFFFFFFF)):
        with greeted() as it:
            it.raise_to(STRUCTURED)
            refused(ERR_INVALID, it.ask, OPT_SET_META_CONTEXT, data)
            check(it.list(), "the next option is answered")


def test_contexts_are_forgotten_when_the_option_fails_or_the_export_is_another():
    for forget in (lambda it: refused(ERR_UNKNOWN, it.meta, OPT_SET_META_CONTEXT, NOBODY, ALLOCATION),
                   lambda it: it.select(IMAGE, ALLOCATION)):
        with greeted() as it:
            it.raise_to(STRUCTURED)
            it.select(EXPORT, ALLOCATION)
            forget(it)
            it.go(EXPORT)
            check(it.call(BLOCK_STATUS, 0, 4096, ids=[]).error == EINVAL, "block status without a context")


def test_options_without_end_are_cut_off():
    with greeted() as it:
        try:
            for _ in range(5000):
                it.ask(OPT_LIST)
        except Gone:
            return
        check(False, "5000 options were answered")


main()
