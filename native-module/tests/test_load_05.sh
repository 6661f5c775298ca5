# SPDX-License-Identifier: GPL-2.0
# shows: a kernel whose writes do not come by the hook is noticed at the load, and the module refuses to be loaded
. "${TESTS}/lib.sh"
if loaded; then
    eject
fi
# The same module with the hook on a function that a write to a bio-based disk does not come by.
python3 - "${MODULE}" "${PLACE}/astray.ko" <<'END' || fail "the name of the hook is not in the module"
import sys
module = open(sys.argv[1], 'rb').read()
name, other = b'submit_bio_noacct_nocheck\0', b'blk_mq_submit_bio\0'
if module.count(b'\0' + name) != 1:
    sys.exit(f'{module.count(name)} times')
open(sys.argv[2], 'wb').write(module.replace(b'\0' + name, b'\0' + other.ljust(len(name), b'\0')))
END
dmesg -C
if insmod "${PLACE}/astray.ko" 2>/dev/null; then
    rmmod blksnap
    fail "loaded, though no write comes by its hook"
fi
dmesg | grep -q 'blksnap: a write by submit_bio() was seen 0 times, arrived 1 times' || fail "not said why: $(dmesg | tail -n 3)"
[ -z "$(compgen -G '/sys/block/blksnap*')" ] || fail "the private disk is left"
# Nothing is left that hinders the right one.
insert
attach "${DISK}"
sectors fill "${DISK}" 0 64 1
detach "${DISK}"
eject
