# SPDX-License-Identifier: GPL-2.0
# shows: the header the module offers has the interface's numbers, for both word sizes
. "${TESTS}/lib.sh"
uapi_numbers
