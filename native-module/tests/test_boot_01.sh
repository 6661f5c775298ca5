# SPDX-License-Identifier: GPL-2.0
# shows: the guest runs Debian's kernel and sees the host's files
. "${TESTS}/lib.sh"
uname -a
[ -x /usr/bin/gcc ] && [ -b /dev/vda ]
lsblk 2>/dev/null || cat /proc/partitions
free -m; df -h / 
