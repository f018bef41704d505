"""What the figures are made with: medians, ratios, slopes, turns, and what /proc says."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from driver import processes, report  # noqa: E402
from driver.campaign import _rotated  # noqa: E402
from driver.measure import slope  # noqa: E402
from driver.processes import Cpu  # noqa: E402
from driver.scenarios import SCENARIOS  # noqa: E402
from driver.summary import Summary, median  # noqa: E402

ECHO = next(scenario for scenario in SCENARIOS if scenario.name == "echo")


def window(number: int, cpu_us: float, **more) -> dict:
    return {"round": number, "cpu_us": cpu_us, "others_share": 0.0, "p50_us": 1, "p99_us": 2, **more}


def document(results: dict) -> dict:
    peers = {name: "1.0" for by_peer in results.values() for name in by_peer}
    machine = {"date": "2026-01-01", "cpu": "a CPU", "cores": 2, "memory_gib": 1, "kernel": "6", "revision": "abc",
               "gateway_core": 0, "load_cores": [1]}
    plan = {"rounds": 2, "seconds": 1.0, "idle_rounds": 1, "after": 20.0}
    return {"machine": machine, "peers": peers, "plan": plan, "failures": [], "results": results}


class Figures(unittest.TestCase):
    def test_the_slope_is_that_of_the_line(self):
        self.assertAlmostEqual(slope([(1000, 5e6), (2000, 6.5e6), (4000, 9.5e6)]), 1500)
        self.assertNotEqual(slope([(1, 1)]), slope([(1, 1)]))  # not a number

    def test_a_median_has_half_the_distance_of_its_quartiles(self):
        found = median([1.0, 2.0, 3.0, 10.0, 4.0])
        self.assertEqual((found.value, found.spread), (3.0, 1.0))
        self.assertEqual(median([7.0]).spread, 0.0)
        self.assertIsNone(median([]))

    def test_ratios_are_taken_within_a_round(self):
        results = {"echo": {
            "fwd-rw": [window(0, 10.0), window(1, 20.0), window(2, 10.0)],
            "switchyard": [window(0, 11.0), window(1, 21.0), window(3, 99.0)],
        }}
        self.assertAlmostEqual(Summary(document(results)).ratio(ECHO, "switchyard").value, (1.1 + 1.05) / 2)

    def test_each_round_begins_with_another(self):
        self.assertEqual([_rotated(["a", "b", "c"], number)[0] for number in range(4)], ["a", "b", "c", "a"])
        self.assertEqual(_rotated([], 3), [])

    def test_threads_that_came_meanwhile_do_not_count(self):
        before = Cpu(0, 0, {(1, 1): 10, (1, 2): 0})
        after = Cpu(0, 0, {(1, 1): 10, (1, 2): 4_000_000_000, (1, 3): 9})
        self.assertEqual(after.threads(before), [4.0, 0.0])


class Report(unittest.TestCase):
    def test_it_says_where_others_are_better(self):
        results = {"echo": {"fwd-rw": [window(0, 10.0)], "switchyard": [window(0, 12.0)], "nginx": [window(0, 11.0)]}}
        text = report.tables(document(results))
        self.assertIn("| **switchyard** | **1.20 ±0.00** |", text)
        self.assertIn("echo 128 B, 100 conns: 1.20 against 1.10 of nginx", text)

    def test_workers_are_compared_with_one(self):
        scale = [window(0, 10.0, workers=1, messages=100, wall_s=1.0, threads_s=[1.0, 0.1]),
                 window(0, 11.0, workers=2, messages=180, wall_s=1.0, threads_s=[1.0, 0.8, 0.1])]
        text = report.tables(document({"scale": {"switchyard": scale}}))
        self.assertIn("| 2 | 11.00 ±0.00 | 1.10 | 180 | 0.80 |", text)


class Proc(unittest.TestCase):
    def test_a_name_may_contain_anything(self):
        with tempfile.TemporaryDirectory() as folder:
            stat = Path(folder) / "stat"
            stat.write_text("12 (a) b (c)) S 1 12")
            self.assertEqual(processes._stat(stat), ["S", "1", "12"])
            self.assertEqual(processes._stat(Path(folder) / "gone"), [])


if __name__ == "__main__":
    unittest.main()
