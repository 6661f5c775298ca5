#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nbdinfo --list names the export.
. "$(dirname "$0")/common.sh"
need nbdinfo
nbdinfo --list "nbd+unix:///?socket=$NBD_SOCKET" | grep -q "export=\"$NBD_EXPORT\"" ||
  fail "$NBD_EXPORT is not listed"
