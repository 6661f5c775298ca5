#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What the module costs, as ratios of what the same virtual disk does without it: writes of 4 KiB at random, direct, 8 at
# a time, by one fio that runs through all of it while the module and its filter come and go. Each window is compared
# with the ones just before and after it, and there are many: a virtual machine without KVM is as unsteady as its host.
#
#   loaded     the module, no filter, as a part of none; attached and copied are measured as parts of this
#   attached   a filter, no snapshot                        goal: at least 0.98 of none
#   copied     a snapshot held, everything copied before    goal: at least 0.95 of none
#   first      a snapshot held, every write the first one   goal: takes no longer than reading once and writing twice
#
# usage: perf.sh [run-vm.sh's options]     BLKSNAP_PERF_SECONDS (0.5) a window, BLKSNAP_PERF_ROUNDS (100)
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "${here}/run-vm.sh" "$@" --shell \
    "PERF_SECONDS=${BLKSNAP_PERF_SECONDS:-0.5} PERF_ROUNDS=${BLKSNAP_PERF_ROUNDS:-100}; . \"\${TESTS}/vm/perf.sh\""
