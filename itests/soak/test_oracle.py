#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The oracle notices what it is there for; run.sh runs this first."""
import unittest

import stamps
from oracle import DISCARDED, Region
from stamps import BLOCK
from weather import Weather

FIRST = 8


class Image:
    """A region that two changes are made to before a window, and three while it is open."""

    def __init__(self):
        self.region = Region(1, 2, FIRST, 16)
        self.contents = [b"\0" * 16 * BLOCK]
        for at, length, value in ((0, 4, None), (2, 8, None)):
            self.change(at, length, value)
        self.window = self.region.open_window()
        for at, length, value in ((4, 2, None), (0, 16, 0), (1, 1, None)):
            self.change(at, length, value)
        self.window.close()

    def change(self, at, length, value):
        sequence = self.region.send(at, length, value)
        self.region.acknowledge()
        before = self.contents[-1]
        new = self.region.content(at, length, sequence if value is None else value)
        self.contents.append(before[:at * BLOCK] + new + before[(at + length) * BLOCK:])


class OracleTest(unittest.TestCase):
    def setUp(self):
        self.image = Image()

    def judge(self, data):
        return self.image.window.judge(bytes(data))

    def test_each_moment_inside_the_window_is_right(self):
        for content in self.image.contents[2:]:
            self.assertIsNone(self.judge(content))

    def test_a_moment_before_the_window_is_wrong(self):
        self.assertIn("no moment", self.judge(self.image.contents[1]))

    def test_a_later_change_without_an_earlier_one_is_wrong(self):
        data = bytearray(self.image.contents[2])
        data[BLOCK:2 * BLOCK] = stamps.block(1, 2, FIRST + 1, 5)
        self.assertIn("no moment", self.judge(data))

    def test_half_a_change_is_wrong(self):
        data = bytearray(self.image.contents[3])
        data[4 * BLOCK:5 * BLOCK] = self.image.contents[2][4 * BLOCK:5 * BLOCK]
        self.assertIn("no moment", self.judge(data))

    def test_a_mixed_block_is_wrong(self):
        data = bytearray(self.image.contents[2])
        data[BLOCK + 512:BLOCK + 1024] = b"\0" * 512
        self.assertIn("mixed", self.judge(data))

    def test_a_block_in_the_wrong_place_is_wrong(self):
        data = bytearray(self.image.contents[2])
        data[0:BLOCK] = data[BLOCK:2 * BLOCK]
        self.assertIn("block 8", self.judge(data))

    def test_a_change_under_way_may_be_there_or_not(self):
        region = self.image.region
        sequence = region.send(7, 2)
        window = region.open_window()
        window.close()
        before = self.image.contents[-1]
        self.assertIsNone(window.judge(before))
        self.assertIsNone(window.judge(before[:7 * BLOCK] + region.content(7, 2, sequence) + before[9 * BLOCK:]))

    def test_a_discarded_block_is_zero_or_as_before_and_nothing_else(self):
        region = self.image.region
        region.send(1, 1, DISCARDED)
        region.acknowledge()
        self.assertIsNone(region.wrong(1, stamps.block(1, 2, FIRST + 1, 5)))
        self.assertIsNone(region.wrong(1, stamps.ZERO))
        self.assertIsNotNone(region.wrong(1, stamps.block(1, 2, FIRST + 1, 1)))

    def test_a_live_block_of_an_earlier_change_is_wrong(self):
        self.assertEqual(self.image.region.wrong(2, stamps.block(1, 2, FIRST + 2, 1)), (FIRST + 2, 0, 1))

    def test_a_request_longer_than_its_bound_is_told_unless_the_server_was_away(self):
        weather = Weather()
        self.assertIn("more than 5 s", weather.judge(0, 6))
        with weather.of("kill"):
            pass
        end = weather._periods[-1][2]
        self.assertIsNone(weather.judge(end - 100, end + 1))


if __name__ == "__main__":
    unittest.main()
