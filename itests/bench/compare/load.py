# SPDX-License-Identifier: Apache-2.0
"""The load: fio with its nbd engine, one job, one connection, the same command line for every side."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass

# A run that takes this much longer than it should is a hang, and ends the comparison.
SLACK_SECONDS = 300


@dataclass(frozen=True)
class Result:
    """What one fio run did."""

    iops: float
    mib_per_second: float
    bytes: int
    seconds: float
    p50_us: float
    p99_us: float


def pinned(cpus, command):
    """The command, on these cpus where any are named."""
    return ["taskset", "-c", cpus] + command if cpus else command


class Load:
    """Runs fio on the client's cpus and reads its report."""

    def __init__(self, scratch, cpus):
        self._scratch = scratch
        self._cpus = cpus

    def timed(self, uri, pattern, block, depth, seconds, seed):
        """For some seconds, after a ramp that is not counted."""
        return self._run(
            uri,
            pattern,
            block,
            depth,
            seed,
            ["--time_based", f"--runtime={seconds}", f"--ramp_time={max(1, seconds // 4)}"],
            seconds * 2,
        )

    def amount(self, uri, pattern, block, depth, size, seed):
        """An amount of bytes, each block at most once: the work is the same for every side."""
        return self._run(uri, pattern, block, depth, seed, [f"--io_size={size}"], 0)

    def background(self, uris, region, rate, seconds, prefix):
        """One writer a device, 4 KiB at depth 1 within a small region, with the latency of every write logged."""
        command = ["fio", "--ioengine=nbd", "--rw=randwrite", "--bs=4k", "--iodepth=1"]
        command += ["--norandommap", "--time_based", f"--runtime={seconds}", f"--size={region}"]
        command += [f"--rate_iops={rate}", f"--write_lat_log={prefix}", "--disable_clat=1", "--disable_slat=1"]
        command += ["--log_unix_epoch=1", "--output=/dev/null", "--eta=never"]
        for number, uri in enumerate(uris):
            command += [f"--name=writer{number}", f"--uri={uri}"]
        return subprocess.Popen(
            pinned(self._cpus, command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def _run(self, uri, pattern, block, depth, seed, extent, expected_seconds):
        descriptor, report = tempfile.mkstemp(suffix=".json", dir=self._scratch)
        os.close(descriptor)
        try:
            command = ["fio", "--name=load", "--ioengine=nbd", f"--uri={uri}", f"--rw={pattern}"]
            command += [f"--bs={block}", f"--iodepth={depth}", f"--randseed={seed}", "--eta=never"]
            command += ["--output-format=json", f"--output={report}"] + extent
            done = subprocess.run(
                pinned(self._cpus, command),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=expected_seconds + SLACK_SECONDS,
                check=False,
            )
            with open(report, encoding="utf-8") as text:
                content = text.read()
            if done.returncode != 0 or "{" not in content:
                raise RuntimeError(f"fio failed on {uri} ({pattern} {block}):\n{done.stdout}{content}")
            job = json.loads(content[content.index("{") :])["jobs"][0]
        finally:
            os.unlink(report)
        if job["error"]:
            raise RuntimeError(f"fio saw error {job['error']} on {uri} ({pattern} {block})")
        side = job["read"] if "read" in pattern else job["write"]
        percentile = side["clat_ns"].get("percentile", {})
        return Result(
            iops=side["iops"],
            mib_per_second=side["bw_bytes"] / 2**20,
            bytes=side["io_bytes"],
            seconds=side["runtime"] / 1000,
            p50_us=percentile.get("50.000000", 0) / 1000,
            p99_us=percentile.get("99.000000", 0) / 1000,
        )
