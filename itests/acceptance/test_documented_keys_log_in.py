#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""With feature ssh installed, the line that etc/keys.properties documents lets an Ed25519 key in, as a viewer, who lists and changes nothing."""
from kit import *

entries = HOME / "etc" / "keys.properties"
kept = entries.read_text()
documented = next(row for row in kept.splitlines() if row.startswith("#   ") and " = " in row)[4:]
name, _, value = documented.partition(" = ")
role = value.rpartition(",")[2]
check(role == "viewer" and "ssh-ed25519" in value, f"the documented line is another: {documented}")


settings = HOME / "etc" / "org.apache.karaf.shell.cfg"
port = str(free_port())
usual = settings.read_text()
settings.write_text(usual.replace("sshPort = 8101", f"sshPort = {port}"))


def ssh(key, line, user=name):
    return command("ssh", "-F", "/dev/null", "-n", "-T", "-p", port, "-i", key, "-l", user, "-o", "IdentitiesOnly=yes",
                   "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                   "-o", "LogLevel=ERROR", "127.0.0.1", line, expect=None)


try:
    time.sleep(1.5)  # Until the file is read: two changes of a file within its second are one.
    blksnap("feature:install", "ssh")
    until("the ssh server listens", lambda: f":{port} " in command("ss", "-H", "-ltn").stdout)
    for kind in (["ed25519"], ["ecdsa", "-b", "384"], ["rsa", "-b", "3072"]):
        key = WORK / kind[0]
        command("ssh-keygen", "-q", "-t", *kind, "-N", "", "-C", "alice@host", "-f", key)
        check(ssh(key, "blksnap:version").returncode == 255, "let in without an entry")
        entries.write_text(kept + f"{name} = {key.with_suffix('.pub').read_text().strip()},{role}\n")
        done = until(f"the {kind[0]} key is let in", lambda: (d := ssh(key, "blksnap:version")).returncode == 0 and d)
        check("2.0.0.0" in done.stdout, f"{kind[0]}: {done.stdout}{done.stderr}")
        done = ssh(key, "blksnap:device-detach no-such-device")
        check(done.returncode not in (0, 255), f"{kind[0]}: a viewer may detach: {done.stdout}{done.stderr}")
        check("no-such-device" not in done.stdout + done.stderr or "not found" in done.stdout.lower() + done.stderr.lower(), f"{done.stdout}{done.stderr}")
    check(ssh(key, "blksnap:version", user="bob").returncode == 255, "another name is let in")
    check(blksnap("version").returncode == 0, "the console does not answer any more")
finally:
    entries.write_text(kept)
    blksnap("feature:uninstall", "ssh", expect=None)
    settings.write_text(usual)
say("Ed25519, ECDSA and RSA keys log in by the documented line")
