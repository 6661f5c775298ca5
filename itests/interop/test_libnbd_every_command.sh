#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# libnbd issues every command with every flag it may carry, in strict mode.
. "$(dirname "$0")/common.sh"
cat >"$scratch/all.py" <<'P'
import errno, nbd, sys
h = nbd.NBD()
h.add_meta_context("base:allocation")
h.connect_uri(sys.argv[1])
data = bytes(range(256)) * 32
h.pwrite(data, 12345)
assert h.pread(len(data), 12345) == data
chunks = []
def chunk(part, offset, status, error):
    chunks.append((bytes(part), offset, status))
assert h.pread_structured(len(data), 12345, chunk, nbd.CMD_FLAG_DF) == data
assert chunks == [(data, 12345, nbd.READ_DATA)], len(chunks)
h.pwrite(data, 99, nbd.CMD_FLAG_FUA)
h.flush()
h.zero(4096, 0)
assert h.pread(4096, 0) == bytes(4096)
h.zero(4096, 8192, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FUA)
try:
    h.zero(4096, 8192, nbd.CMD_FLAG_FAST_ZERO)
except nbd.Error as e:
    assert e.errnum == errno.EOPNOTSUPP, e
h.trim(4096, 4096)
h.trim(4096, 4096, nbd.CMD_FLAG_FUA)
h.cache(65536, 0)
size = h.get_size()
extents = []
def note(context, offset, entries, error):
    assert context == "base:allocation"
    extents.append(sum(entries[::2]))
h.block_status(size, 0, note)
h.block_status(65536, 0, note, nbd.CMD_FLAG_REQ_ONE)
assert extents[0] >= 1 and 1 <= extents[1] <= 65536, extents
h.set_strict_mode(0)
for call in (lambda: h.pread(512, size), lambda: h.pread(1, -1 & (2**63 - 1))):
    try:
        call()
        raise SystemExit("read outside succeeded")
    except nbd.Error as e:
        assert e.errnum == errno.EINVAL, e
try:
    h.pwrite(data, size - 1)
    raise SystemExit("write outside succeeded")
except nbd.Error as e:
    assert e.errnum == errno.ENOSPC, e
h.shutdown()
P
nbd_python "$scratch/all.py" "$NBD_URI" || fail "see above"
