# SPDX-License-Identifier: GPL-2.0
#
# What a kernel writes into its log only when it is unwell. Sourced by both sides.
# shellcheck disable=SC2034
UNWELL='BUG:|BUG [a-zA-Z0-9_-]+ \(|Oops:|WARNING:|Kernel panic|general protection fault|blocked for more than [0-9]+ seconds|soft lockup|hard LOCKUP'
UNWELL="${UNWELL}"'|rcu.*(self-)?detected stall|KASAN:|KCSAN:|UBSAN:|possible circular locking|possible recursive locking|inconsistent lock state'
UNWELL="${UNWELL}"'|INFO: trying to register non-static key|sleeping function called from invalid context|scheduling while atomic'
UNWELL="${UNWELL}"'|Objects remaining in|kmem_cache_destroy .*: Slab cache still has objects|refcount_t:|list_(add|del) corruption|cut here|unable to handle'
UNWELL="${UNWELL}"'|Call Trace:|Voluntary context switch within RCU|Bad page|page allocation failure|Busy inodes after unmount|bdi .* not registered'
UNWELL="${UNWELL}"'|EXT4-fs error|XFS .*[Cc]orruption|BTRFS (error|critical)'
