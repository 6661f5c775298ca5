#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 64 requests in flight on one connection are all answered with the right bytes.
. "$(dirname "$0")/common.sh"
cat >"$scratch/many.py" <<'P'
import nbd, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
for i in range(64):
    h.pwrite(bytes([i]) * 4096, i * 4096)
buffers = [nbd.Buffer(4096) for _ in range(64)]
cookies = [h.aio_pread(b, i * 4096) for i, b in enumerate(buffers)]
while h.aio_in_flight():
    h.poll(-1)
for i, (c, b) in enumerate(zip(cookies, buffers)):
    assert h.aio_command_completed(c)
    assert bytes(b.to_bytearray()) == bytes([i]) * 4096, i
h.shutdown()
P
nbd_python "$scratch/many.py" "$NBD_URI" || fail "see above"
