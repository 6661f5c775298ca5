# SPDX-License-Identifier: Apache-2.0
"""What is printed: the machine, the figures as a table, and a line a goal."""

import os
import platform
import statistics
import subprocess


class Figures:
    """All figures of all runs, by work and side."""

    def __init__(self):
        self._values = {}

    def add(self, work, side, value):
        self._values.setdefault(work, {}).setdefault(side, []).append(value)

    def median(self, work, side):
        """None where that side never did that work."""
        values = self._values.get(work, {}).get(side)
        return statistics.median(values) if values else None

    def table(self, works, sides):
        """Markdown: a row a work, a column a side, medians with the lowest and highest run behind them."""
        lines = ["| work | unit | " + " | ".join(sides) + " |", "|---|---|" + "---:|" * len(sides)]
        for work, unit in works:
            if work not in self._values:
                continue
            cells = [self._cell(work, side) for side in sides]
            lines.append(f"| {work} | {unit} | " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def _cell(self, work, side):
        values = self._values[work].get(side)
        if not values:
            return "–"
        if len(values) == 1:
            return number(values[0])
        return f"{number(statistics.median(values))} ({number(min(values))} … {number(max(values))})"


def number(value):
    """Three digits that matter, and no more than two behind the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percentile(values, share):
    """The smallest value that at least this share of all do not exceed."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * share // 100))
    return ordered[int(rank) - 1]


def goal_at_least(name, value, goal, what):
    """A line of a goal that is met from below; False where it is missed or was not measured."""
    return _goal(name, value, goal, value is not None and value >= goal, what)


def goal_at_most(name, value, goal, what):
    """A line of a goal that is met from above; False where it is missed or was not measured."""
    return _goal(name, value, goal, value is not None and value <= goal, what)


def _goal(name, value, goal, met, what):
    shown = "-" if value is None else f"{value:.2f}"
    verdict = "met" if met else "missed"
    print(f"{name} {shown} goal {goal} {verdict} ({what})", flush=True)
    return met


def ratio(above, below):
    """None where either was not measured."""
    return above / below if above is not None and below else None


def machine(scratch, notes):
    """The machine, as a markdown list."""
    lines = [f"* {_processor()}, {os.cpu_count()} cores", f"* {_memory():.0f} GiB of memory"]
    lines.append(f"* Linux {platform.release().split('-')[0]}, {_file_system(scratch)}")
    lines.append("* " + ", ".join(_versions()))
    return "\n".join(lines + [f"* {note}" for note in notes])


def _processor():
    with open("/proc/cpuinfo", encoding="utf-8") as text:
        for line in text:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def _memory():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _file_system(path):
    return "files on " + _first_line(["findmnt", "-n", "-o", "FSTYPE", "-T", path])


def _versions():
    java = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
    return [
        _first_line(["qemu-storage-daemon", "--version"]).split(" (")[0],
        _first_line(["nbdkit", "--version"]).split(" (")[0],
        _first_line(["fio", "--version"]),
        _first_line([java, "-version"]),
    ]


def _first_line(command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except FileNotFoundError:
        return f"no {command[0]}"
    return done.stdout.splitlines()[0].strip() if done.stdout else command[0]
