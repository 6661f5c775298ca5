#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whoever starts it, status and stop find what runs; and a start that fails says so at once, with the reason."""
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


def run(*arguments, expect=0, **more):
    return command(program, *arguments, expect=expect, env={**surroundings, **more}, timeout=START_LIMIT + 10)


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
wrapped.write_text(real.replace("MAIN=org.apache.karaf.main.Main", "MAIN=Launcher").replace("REALNAME=`realpath \"$0\"`", f"REALNAME='{home}/bin/karaf'"))
wrapped.chmod(0o755)
log = open(WORK / "launched.log", "w")
begun = subprocess.Popen([wrapped, "server"], env={**surroundings, "CLASSPATH": str(WORK)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
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

# What was lost is made again.
command("rm", "-rf", home / "data")
run("start")
run("wait-ready", START_LIMIT)
run("version")
run("stop")
say("a wiped data directory is made again")
command("rm", "-rf", home)
