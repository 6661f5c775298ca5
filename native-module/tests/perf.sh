#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# What the module costs, as ratios of what the same virtual disk does without it, measured with fio in the guest: writes
# of 4 KiB at random, direct, 8 at a time. The kinds take turns, and each kind's figure is its median, so that a machine
# that is busy with something else for a while hurts all alike.
#
#   attached   a filter, no snapshot                        goal: at least 0.98 of none
#   copied     a snapshot held, everything copied before    goal: at least 0.95 of none
#   first      a snapshot held, every write the first one   goal: takes no longer than reading once and writing twice
#
# usage: perf.sh [run-vm.sh's options]     BLKSNAP_PERF_SECONDS (3) a measurement, BLKSNAP_PERF_ROUNDS (5) of each kind
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "${here}/run-vm.sh" "$@" --shell \
    "PERF_SECONDS=${BLKSNAP_PERF_SECONDS:-3} PERF_ROUNDS=${BLKSNAP_PERF_ROUNDS:-5}; . \"\${TESTS}/vm/perf.sh\""
