#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whoever starts it, and how many at once, status and stop find what runs; and a start that fails says so at once, with the reason."""
import atexit
import pty
import termios

from kit import *

# What a service wrapper does: a main class of its own that calls Karaf's.
LAUNCHER = """
public class Launcher {
  public static void main(String[] args) throws Exception {
    Class<?> type = Class.forName("org.apache.karaf.main.Main");
    Object main = type.getConstructor(String[].class).newInstance((Object) args);
    type.getMethod("launch").invoke(main);
    type.getMethod("awaitShutdown").invoke(main);
    System.exit(0);
  }
}
"""
# A start that fails is told well before wait-ready's own patience ends, seconds.
AT_ONCE = 30
home = WORK.parent / "launched"
unpack(home)
program = home / "bin" / "blksnap"
surroundings = dict(os.environ)


def read_or_nothing(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError:
        return b""


def run(*arguments, expect=0, **more):
    return command(program, *arguments, expect=expect, env={**surroundings, **more}, timeout=START_LIMIT + 10)


# Whichever check fails, no JVM of ours stays.
atexit.register(lambda: home.exists() and command(program, "stop", expect=None))
check(run("status", expect=3).stdout.strip() == "not running", "status of what does not run")
check("not running" in run("stop").stderr, "stop of what does not run")

# As bin/karaf does, but for the main class.
source = WORK / "Launcher.java"
source.write_text(LAUNCHER)
jdk = command("sh", "-c", 'DIRNAME=$1/bin; KARAF_SCRIPT=client; . "$1/bin/setenv"; echo "$JAVA_HOME"', "sh", home).stdout.strip()
if not os.path.exists(f"{jdk}/bin/javac"):
    skip("no compiler beside the JVM")
command(f"{jdk}/bin/javac", "-d", WORK, source)
real = (home / "bin" / "karaf").read_text()
wrapped = WORK / "karaf"
check("org.apache.karaf.main.Main" in real, "bin/karaf has no such main class any more")
wrapped.write_text(real.replace("MAIN=org.apache.karaf.main.Main", "MAIN=Launcher").replace('-classpath "${CLASSPATH}"', f'-classpath "${{CLASSPATH}}:{WORK}"').replace("REALNAME=`realpath \"$0\"`", f"REALNAME='{home}/bin/karaf'"))
wrapped.chmod(0o755)
log = open(WORK / "launched.log", "w")
begun = subprocess.Popen([wrapped, "server"], env=surroundings, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
try:
    run("wait-ready", START_LIMIT)
    told = run("status").stdout
    jvm = int(told.split("process ")[1].split(",")[0])
    words = pathlib.Path(f"/proc/{jvm}/cmdline").read_bytes().split(b"\0")
    check(b"Launcher" in words and b"org.apache.karaf.main.Main" not in words, f"not the launcher's JVM: {words}")
    check("runs already" in run("start", expect=1).stderr, "a second start beside it")
    run("stop")
    check(not os.path.exists(f"/proc/{jvm}/exe"), "stop returned before the JVM ended")
    run("status", expect=3)
finally:
    if begun.poll() is None:
        with contextlib.suppress(Exception):
            os.kill(jvm, signal.SIGKILL)
    begun.wait(60)
say("a JVM with another main class: status and stop find it")

# A JVM that dies before it has begun, and one that dies once it runs.
begin = time.monotonic()
done = run("start", expect=1, BLKSNAP_JVM_OPTS="-XX:NoSuchOption")
check("NoSuchOption" in done.stderr and "not started" in done.stderr, f"the reason is not told: {done.stderr}")
check(time.monotonic() - begin < AT_ONCE, "told late")
run("status", expect=3)
settings = home / "etc" / "config.properties"
kept = settings.read_text()
settings.write_text(kept.replace("karaf.framework=felix", "karaf.framework=nonesuch"))
begin = time.monotonic()
done = run("start", expect=None)
ready = run("wait-ready", expect=None)
check(done.returncode != 0 or ready.returncode == 3, f"start {done.returncode}, wait-ready {ready.returncode}: {ready.stderr}")
check("nonesuch" in done.stderr + ready.stderr or "karaf.log" in done.stderr + ready.stderr, f"no reason, no place to look: {done.stderr}{ready.stderr}")
check(time.monotonic() - begin < AT_ONCE, "told late")
settings.write_text(kept)
run("stop")
say("a JVM that dies is told at once: " + (done.stderr + ready.stderr).splitlines()[0])

# What was lost is made again. And of several starts at once one starts; what the caller has set for other programs is not heeded.
command("rm", "-rf", home / "data")
strange = {**surroundings, "JAVA": "/bin/false", "CLASSPATH": "/stray.jar", "PERL5OPT": "-Mno_such_module", "PERL_UNICODE": "SA"}
begun = [subprocess.Popen([program, "start"], env=strange, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
         for _ in range(3)]
told = [(p.communicate(timeout=START_LIMIT)[1], p.returncode) for p in begun]
check(sorted(status for _, status in told) == [0, 1, 1], f"three starts at once: {told}")
check(all("is being started" in text or "runs already" in text for text, status in told if status), f"the reason is not told: {told}")
run("wait-ready", START_LIMIT, **strange)
jvms = [p for p in glob.glob("/proc/[0-9]*/cmdline") if f"-Dkaraf.base={home}".encode() in read_or_nothing(p).split(b"\0")]
check(len(jvms) == 1, f"three starts at once left these JVMs: {jvms}")
jvm = int(run("status").stdout.split("process ")[1].split(",")[0])
check(b"/stray.jar" not in read_or_nothing(jvms[0]), "the caller's CLASSPATH is on the JVM's")
check(json.loads(run("device-list", "--json", **strange).stdout) == [], "it takes no commands")
say("of three starts at once one starts; a wiped data directory is made again")

# A JVM that stands still is told of within bounds.
os.kill(jvm, signal.SIGSTOP)
try:
    check("starting or stopping" in run("status", expect=1).stdout, "status of a JVM that stands still")
    check("not ready after 1 s" in run("wait-ready", "1", expect=1).stderr, "wait-ready of a JVM that stands still")
    check("usage:" in run("help").stdout, "help of a JVM that stands still")
finally:
    os.kill(jvm, signal.SIGCONT)
run("wait-ready", START_LIMIT)
say("a JVM that stands still holds up neither status nor wait-ready nor help")

# What cannot be meant is refused, and stops nothing.
for words in (("stop", "--help"), ("status", "now"), ("shell", "version"), ("start", "debug"), ("start", "server", "debugs"),
              ("wait-ready", "1", "2"), ("version", "x" * 65537), ("version", *["x"] * 4096), ("shell",)):
    check("refused" in run(*words, expect=2).stderr, f"{words[:3]} is not refused with the reason")
done = run("no-such", expect=1)
for word in ("no!such", "größe", "a=b", "$x"):
    done = run(word, expect=1)
    check(f"command {word} refused: no such command" in done.stderr and not done.stdout, f"{word}: {done.stdout}{done.stderr}")
run("status")
say("words that mean nothing here are refused")


def shell_ends(end, expect):
    """An interactive shell at a terminal of its own; the terminal is afterwards as it was before."""
    ours, its = pty.openpty()
    before = termios.tcgetattr(its)
    shell = subprocess.Popen(["perl", home / "bin" / "blksnap-console", home / "data" / "console.sock"], stdin=its, stdout=its, stderr=its, env=surroundings)
    until("the shell has the terminal", lambda: not termios.tcgetattr(its)[3] & termios.ECHO)
    end(shell, ours)
    shell.wait(CONDITION_LIMIT)
    check(shell.returncode == expect, f"the shell ended with {shell.returncode}, not {expect}")
    check(termios.tcgetattr(its) == before, f"after exit status {expect} the terminal is not as it was")
    os.close(ours)
    os.close(its)


for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    shell_ends(lambda shell, terminal: shell.send_signal(number), 130)
shell_ends(lambda shell, terminal: os.write(terminal, b"logout\r"), 0)
run("stop")
say("a shell leaves its terminal as it was, whatever ends it")

# Nothing of the host's is closed to others: what setenv would do is told here, not done.
SOURCED = """
chmod() { echo "would chmod $*" >&2; exit 9; }
mkdir() { echo "would mkdir $*" >&2; exit 9; }
rm() { echo "would rm $*" >&2; exit 9; }
DIRNAME=$1/bin
KARAF_SCRIPT=start
. "$1/bin/setenv"
"""
sticky = WORK / "sticky"
sticky.mkdir()
sticky.chmod(0o1777)
for name in ("KARAF_BASE", "KARAF_ETC", "KARAF_DATA"):
    for place in ("/", "/etc", "/tmp", "/var/lib", "/opt/../srv", sticky):
        done = command("sh", "-c", SOURCED, "sh", home, expect=4, env={**surroundings, name: str(place)})
        check(f"{name} \"{place}\" refused" in done.stderr, f"{name}={place}: {done.stderr}")
say("directories of the host are refused before any is closed")

# Where others may put a directory in the place of ours, nothing is mapped as code; and a debugger comes from this machine alone.
FUNCTIONS = """
DIRNAME=$1/bin
KARAF_SCRIPT=client
place=$2
shift 2
. "$DIRNAME/setenv"
blksnap_native_in "$place" || exit 1
echo "$JAVA_DEBUG_OPTS"
"""
for mode, owner, status in ((0o755, 0, 0), (0o1777, 0, 0), (0o777, 0, 1), (0o775, 0, 1), (0o755, 12345, 1)):
    if owner and os.geteuid() != 0:
        continue
    above = WORK / f"above-{mode:o}-{owner}"
    above.mkdir()
    if owner:
        os.chown(above, owner, owner)
    above.chmod(mode)
    done = command("sh", "-c", FUNCTIONS, "sh", home, above / "native", expect=None)
    check(done.returncode == status, f"a directory of mode {mode:o} of user {owner} above JNA's: {done.returncode}, not {status}")
    if status == 0:
        check("suspend=n,address=127.0.0.1:5005" in done.stdout, f"a debugger may come from anywhere: {done.stdout}")
done = command("sh", "-c", FUNCTIONS, "sh", home, WORK / "native", "debugs")
check("suspend=y,address=127.0.0.1:5005" in done.stdout, f"a debugger may come from anywhere: {done.stdout}")
say("no code from where others may write; a debugger from this machine alone")
command("rm", "-rf", home)
