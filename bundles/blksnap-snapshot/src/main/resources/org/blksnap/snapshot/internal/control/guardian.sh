# SPDX-License-Identifier: Apache-2.0
# blksnap's guardian: outlives the engine's process, and writes down how it left its devices.
# Arguments: state directory (escaped), token, boot id. Commands come one a line on standard input:
#   watch NAME TRACE...   from now on; a trace is F:, S: or T: and an escaped path
#   forget NAME           no more
#   end                   nothing has to be written down
# The end of the input without "end" is the death of the engine's process: all its threads have left
# their system calls. Needs stat and sync of coreutils, and nothing of the engine.
# Who was stopped does not know for how long, nor whether the engine died and others wrote meanwhile:
# it ends as soon as it goes on, and writes nothing down. A living engine starts another one.
trap 'exit 4' CONT
trap '' HUP INT QUIT TERM TSTP PIPE
set -f
umask 077
cd / || exit 1
nl='
'
plain() {
  plain=$(printf '%b.' "$1")
  plain=${plain%.}
}
plain "$1"
directory=$plain
token=$2
boot=$3
command -v sync >/dev/null || exit 3
case $(stat -L -c '%.9Y' / 2>/dev/null) in
  *.?????????) ;;
  *) exit 3 ;;
esac

known=
forget() {
  rest=$known
  known=
  while [ -n "$rest" ]; do
    line=${rest%%"$nl"*}
    rest=${rest#*"$nl"}
    case $line in
      "$1 "*) ;;
      *) known=$known$line$nl ;;
    esac
  done
}

ended=
while IFS= read -r order; do
  words=${order#* }
  case $order in
    'watch '*)
      forget "${words%% *}"
      known=$known$words$nl
      ;;
    'forget '*) forget "$words" ;;
    end)
      ended=yes
      break
      ;;
  esac
done
if [ -n "$ended" ]; then
  exit 0
fi

# $1: which traces, of FORCE, STAT, TEXT their first letters. $2: of which devices, those with traces to
# force or those without. Answers in $readings, a line a device, and in $coarse.
look() {
  readings=
  coarse=
  rest=$known
  while [ -n "$rest" ]; do
    line=${rest%%"$nl"*}
    rest=${rest#*"$nl"}
    case " $line" in
      *' F:'*) [ "$2" = forced ] || continue ;;
      *) [ "$2" = plain ] || continue ;;
    esac
    readings=$readings${line%% *}
    for trace in ${line#* }; do
      plain "${trace#?:}"
      reading=
      case $1${trace%%:*} in
        FF) sync -d -- "$plain" 2>/dev/null && reading=forced ;;
        STS)
          reading=$(stat -L -c '%s,%.9Y,%.9Z,%d,%i' -- "$plain" 2>/dev/null)
          case $reading in
            *.000000000,*.000000000,*) coarse=yes ;;
          esac
          ;;
        STT)
          IFS= read -r reading 2>/dev/null <"$plain"
          joined "$reading"
          reading=$joined
          ;;
        *) continue ;;
      esac
      readings="$readings $trace ${reading:--}"
    done
    readings=$readings$nl
  done
}

# As look ST. Where stamps are of whole seconds, a later change must bear others than ours: those that
# are the same after that time are told, and nothing of what has changed meanwhile.
settled() {
  look ST "$1"
  if [ -n "$coarse" ]; then
    first=$nl$readings
    sleep 2.1
    look ST "$1"
    second=$readings
    readings=
    while [ -n "$second" ]; do
      line=${second%%"$nl"*}
      second=${second#*"$nl"}
      case $first in
        *"$nl$line$nl"*) readings=$readings$line$nl ;;
      esac
    done
  fi
}

joined() {
  set -- $1
  IFS=,
  joined="$*"
  unset IFS
}

# A later change must bear other stamps than the last one of ours.
sleep 0.02
# What needs no disk does not wait for one that is slow.
settled plain
files=$readings
# Whatever is still in memory has to show in counters and time stamps.
look F forced
forced=$readings
sleep 0.02
settled forced

text="blksnap-facts 1 $token $boot$nl$forced$files$readings"end
file=$directory/facts-$token
printf '%s' "$text" >"$file.new" && [ "$(cat -- "$file.new")" = "$text" ] && mv -f -- "$file.new" "$file"
