#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random operations and disturbances against an oracle, for as long as told; started by run.sh."""
import argparse
import os
import pathlib
import random
import shutil
import sys
import time

import disturbances
import operations
from devices import MIB, Device
from journal import Journal
from leaks import Leaks
from server import Refused, Server
from weather import Weather

HERE = pathlib.Path(__file__).resolve().parent
# Operations between two rest points.
REST_AFTER = 40
# Between two operations at most, seconds.
LONGEST_PAUSE = 1.0
HEALTHY_LIMIT = 60


class Soak:
    def __init__(self, options):
        self.chance = random.Random(options.seed)
        self.faults = not options.no_faults and not options.planted
        self.planted = options.planted
        self.journal = Journal(options.seed)
        self.weather = Weather()
        self.server = Server(options.home, options.work, HERE.parent / "faults" / "faultctl", options.library)
        self.devices, self.held, self.count = [], [], 0

    def note(self, kind, text):
        self.journal.operation(kind, text)

    def one(self, things):
        """One of them; draws a number also where there is none, so that the sequence stays the same."""
        drawn = self.chance.random()
        return things[int(drawn * len(things))] if things else None

    def free_device(self):
        return self.one([d for d in self.devices if not any(d in held.devices() for held in self.held)])

    def wait_healthy(self, *devices):
        for device in devices:
            for writer in device.writers:
                if not writer.wait_healthy(HEALTHY_LIMIT):
                    self.journal.difference(f"{writer.thread.name} is not connected again within {HEALTHY_LIMIT} s")

    def give_up(self, held):
        """Its images are void, excused or told: it goes."""
        self.destroy(held)

    def destroy(self, held):
        self.held.remove(held)
        self.server.run("snapshot-destroy", held.id)
        left = operations.leftovers(held.directory)
        if left:
            self.journal.difference(f"left in {held.directory} after the snapshot was destroyed: {left}")
        else:
            self.journal.passed()
        shutil.rmtree(held.directory)

    def begin(self):
        self.journal.say(f"seed {self.journal.seed}, ready after {self.server.start():.1f} s")
        sizes = [(32 * MIB, False), (96 * MIB, False)] + ([(24 * MIB, True)] if os.geteuid() == 0 else [])
        for number, (size, block) in enumerate(sizes, 1):
            self.devices.append(Device(self.server, f"soak{number}", number, size, block))
        if os.geteuid() != 0:
            self.journal.skipped("a block device: needs root")
        (self.server.work / "diff").mkdir()
        self.leaks = Leaks(self)
        for device in self.devices:
            device.begin(self.journal, self.weather, self.chance)

    def step(self):
        choices = operations.ALL + disturbances.ALWAYS + (disturbances.FAULTS if self.faults else ()) + (disturbances.PLANTED if self.planted else ())
        operation = self.chance.choices([o for o, _ in choices], [w for _, w in choices])[0]
        pause = self.chance.uniform(0, LONGEST_PAUSE)
        try:
            operation(self)
        except Refused as e:
            self.journal.difference(f"{operation.__name__}: {e}")
            self.recover()
        time.sleep(pause)

    def recover(self):
        """After a command failed: what can be is put back, so that the rest can be soaked."""
        self.server.faults("clear")
        try:
            if not self.server.alive(self.server.pid()):
                with self.weather.of("kill"):
                    self.server.start()
            attached = {row["name"] for row in self.server.listing("device-list")}
            for device in self.devices:
                if device.name not in attached:
                    device.attach()
                device.resume()
        except Refused as e:
            self.journal.difference(f"not to be recovered: {e}")
            raise

    def rest(self):
        self.note("rest", "everything is destroyed and at rest")
        for device in self.devices:
            device.rest()
        for held in list(self.held):
            for image in held.images:
                if not image.size or not held.verify(image, 0, image.size):
                    break
            self.destroy(held)
        self.leaks.at_rest()
        for device in self.devices:
            device.resume()

    def run(self, minutes):
        end = time.monotonic() + 60 * minutes
        minute = time.monotonic() + 60
        done = 0
        while time.monotonic() < end and not self.journal.enough(self.planted):
            self.step()
            done += 1
            if done % REST_AFTER == 0:
                self.rest()
            if time.monotonic() >= minute:
                self.journal.minute()
                minute = time.monotonic() + 60
        if not self.planted:
            self.rest()
        self.journal.minute()

    def end(self):
        for device in self.devices:
            for writer in device.writers:
                writer.end()
        for device in self.devices:
            for writer in device.writers:
                writer.thread.join(10)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--no-faults", action="store_true")
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--home", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--library", required=True)
    options = parser.parse_args()
    soak = Soak(options)
    try:
        soak.begin()
        soak.run(options.minutes)
    except Refused as e:
        soak.journal.difference(f"the soak cannot go on: {e}")
    finally:
        soak.end()
        for device in soak.devices:
            device.remove()
    return 0 if (soak.journal.end_planted() if options.planted else soak.journal.end()) else 1


if __name__ == "__main__":
    sys.exit(main())
