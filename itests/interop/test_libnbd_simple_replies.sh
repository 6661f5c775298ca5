#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A client without structured replies reads the same bytes, also in one long read.
. "$(dirname "$0")/common.sh"
cat >"$scratch/simple.py" <<'P'
import nbd, sys
a, b = nbd.NBD(), nbd.NBD()
a.connect_uri(sys.argv[1])
b.set_request_structured_replies(False)
b.connect_uri(sys.argv[1])
a.pwrite(b"x" * 3000000, 17)
for offset, length in ((0, 1), (5, 70000), (0, 4 << 20)):
    assert a.pread(length, offset) == b.pread(length, offset), (offset, length)
P
nbd_python "$scratch/simple.py" "$NBD_URI" || fail "see above"
