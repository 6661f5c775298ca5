#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
#   floors.sh OBJECTS
#
# Prints the floors of the module: each file (.c and .h are one), its floor and
# lines, whose functions and data it uses, and whose headers it includes beyond
# that. The floors stand in the README; the uses are those of the object
# files in the directory OBJECTS. An arrow that does not go down fails it, and
# so there is no circle; likewise a file that is on no floor or on two, and one
# that is too long. Calls by a pointer that was handed in are no arrows.
LINES_MAX=350

cd "$(dirname "$0")" || exit 1
objects=${1:?usage: floors.sh OBJECTS}
sources=
for source in *.[ch] compat/*.h uapi/*.h; do
	[ "${source%.mod.c}" != "$source" ] || sources="$sources $source"
done
{
	# floor FLOOR FILE, as the table of the README has it
	sed -n 's/^| *\([0-9][0-9]*\) *| \([^|]*\)|.*/\1 \2/p' README.md |
		tr -d '`,' | awk '{ for (i = 2; i <= NF; i++) print "floor", $1, $i }'
	# has FILE LINES
	for source in $sources; do
		echo "has ${source%.[ch]} $(wc -l <"$source")"
		# includes FILE FILE
		sed -n 's/^#include "\(.*\)\.h"$/\1/p' "$source" |
			sed "s|^|includes ${source%.[ch]} |"
		[ "${source##*.}" = c ] || continue
		[ -e "$objects/${source%.c}.o" ] || echo "missing ${source%.c}.o"
		# defines FILE SYMBOL, uses FILE SYMBOL
		nm "$objects/${source%.c}.o" 2>/dev/null | awk -v file="${source%.c}" '
			$1 == "U" { print "uses", file, $2 }
			$2 ~ /^[TDBRVW]$/ { print "defines", file, $3 }'
	done
	for source in $sources tests/*.[ch]; do
		echo "long $source $(wc -l <"$source")"
	done
} | awk -v lines_max=$LINES_MAX '
function wrong(text) { print "floors: " text; failed = 1 }
function arrow(from, to, how) {
	if (from == to || (from, to) in seen)
		return ""
	seen[from, to] = 1
	if (floor[to] >= floor[from])
		wrong(from " (floor " floor[from] ") " how " " to " (floor " floor[to] ")")
	return " " to
}
$1 == "floor" {
	if ($3 in floor)
		wrong($3 " is on two floors")
	floor[$3] = $2
	order[++count] = $3
}
$1 == "has" { lines[$2] += $3 }
$1 == "includes" { including[$2] = including[$2] " " $3 }
$1 == "defines" { owner[$3] = $2 }
$1 == "uses" { using[$2] = using[$2] " " $3 }
$1 == "missing" { wrong("there is no " $2 ": make it first") }
$1 == "long" && $3 >= lines_max { wrong($2 " has " $3 " lines") }
END {
	for (file in lines)
		if (!(file in floor))
			wrong(file " is on no floor of the README")
	for (i = 1; i <= count; i++) {
		file = order[i]
		if (!(file in lines)) {
			wrong(file " is on a floor of the README, but is not there")
			continue
		}
		uses = includes = ""
		n = split(using[file], part, " ")
		for (k = 1; k <= n; k++)
			if (part[k] in owner)
				uses = uses arrow(file, owner[part[k]], "uses")
		n = split(including[file], part, " ")
		for (k = 1; k <= n; k++)
			includes = includes arrow(file, part[k], "includes")
		printf "%2d  %-14s %3d  %s%s%s\n", floor[file], file, lines[file],
			uses ? "uses" uses : "uses none",
			includes ? "; includes" : "", includes
	}
	exit failed
}'
