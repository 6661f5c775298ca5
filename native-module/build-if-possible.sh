#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What Maven calls: make, or one line that says why not.
cd "$(dirname "$0")" || exit 1
for program in make gcc; do
	command -v "$program" >/dev/null 2>&1 || {
		echo "native-module: skipped, there is no $program here"
		exit 0
	}
done
headers=$(make -s print-headers)
if [ ! -e "$headers/Makefile" ]; then
	echo "native-module: skipped, there are no headers of a 6.1 kernel (apt-get install linux-headers-amd64)"
	exit 0
fi
log=target/make.log
mkdir -p target
if make >"$log" 2>&1; then
	echo "native-module: blksnap.ko built for $(modinfo -F vermagic blksnap.ko 2>/dev/null | cut -d' ' -f1)"
else
	cat "$log"
	exit 1
fi
