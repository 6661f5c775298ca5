# SPDX-License-Identifier: Apache-2.0
"""Takes the commands out of a guide: a file NN-title.sh for each block of sh, named after the bold words
before it, and NN-title.expect for the block of expect that follows one."""
import pathlib
import re
import sys

guide, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
target.mkdir()
title, last, number = "", None, 0
text = guide.read_text()
for match in re.finditer(r"\*\*([^*]+)\*\*|^```(sh|expect)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
    bold, kind, body = match.groups()
    if bold:
        title = re.sub(r"\W+", "-", bold.lower()).strip("-")
    elif kind == "sh":
        number += 1
        last = target / f"{number:02}-{title}"
        last.with_suffix(".sh").write_text(body)
    elif last is None:
        sys.exit(f"{guide}: something is expected before the first command")
    else:
        last.with_suffix(".expect").write_text(body)
if not number:
    sys.exit(f"{guide}: no block of sh")
