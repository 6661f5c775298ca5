# SPDX-License-Identifier: GPL-2.0
#
# Sourced by every test, in the guest.
set -u
