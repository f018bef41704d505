"""What the figures are made with: medians, ratios, slopes, turns, and what /proc says."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from driver import curves, pace, plot, processes, report, svg  # noqa: E402
from driver.campaign import _rotated  # noqa: E402
from driver.measure import Crowd, Departure, slope  # noqa: E402
from driver.merge import merged  # noqa: E402
from driver.processes import Cpu  # noqa: E402
from driver.scenarios import DRAIN, SCENARIOS, STORM  # noqa: E402
from driver.summary import Summary, median  # noqa: E402

ECHO = next(scenario for scenario in SCENARIOS if scenario.name == "echo")


def window(number: int, cpu_us: float, **more) -> dict:
    return {"round": number, "cpu_us": cpu_us, "others_share": 0.0, "p50_us": 1, "p99_us": 2, **more}


def storm(number: int, percent_s: list, **more) -> dict:
    counts = {"clients": 100, "messages": len(percent_s), "missed": 100 - len(percent_s), "refused": 0, "lost": 0,
              "resumed": 0, "clients_share": 0.5}
    return {"round": number, "cpu_us": 300.0, "others_share": 0.0, "percent_s": percent_s, **counts, **more}


def drain(number: int, closes_a_second: list, codes: dict, **more) -> dict:
    counts = {"ended": 0, "reset": 0, "left": 0, "first_s": 0.01, "last_s": len(closes_a_second) - 0.5}
    return {"round": number, "cpu_s": 0.25, "cpu_us": 25.0, "others_share": 0.1, "closes_a_second": closes_a_second,
            "most_in_a_second": max(closes_a_second), "codes": codes, **counts, **more}


def published(number: int, deliveries: int, **more) -> dict:
    counts = {"missed": 0, "repeated": 0, "disordered": 0, "lost": 0, "sessions": 100}
    return {"round": number, "cpu_us": 1e6 / deliveries, "others_share": 0.1, "deliveries_a_cpu_second": deliveries,
            "p50_us": 1500.0, "p99_us": 9000.0, "max_us": 12000.0, "last_p50_us": 2500.0, "last_max_us": 12000.0, "cpu_share": 0.4,
            "clients_share": 0.3, **counts, **more}


def subscribed(number: int, size: float) -> dict:
    return {"round": number, "memory": [(100, 5e6), (1000, 9e6)], "bytes_per_session": size, "after_s": 1.0, "after": 5e6}


def document(results: dict) -> dict:
    peers = {name: "1.0" for by_peer in results.values() for name in by_peer}
    machine = {"date": "2026-01-01", "cpu": "a CPU", "cores": 2, "memory_gib": 1, "kernel": "6", "revision": "abc",
               "gateway_core": 0, "load_cores": [1]}
    crowd = {"clients": 100, "deadline": 10.0, "attempts": 1, "pause": 0.5}
    plan = {"rounds": 2, "seconds": 1.0, "idle_rounds": 1, "after": 20.0, "storm_rounds": 3, "crowd": crowd,
            "drain_rounds": 2, "departure": {"sessions": 100, "over": 10}, "fanout_rounds": 3,
            "audience": {"sessions": 1000, "deliveries": 5000, "messages": 400, "seconds": 8.0},
            "variants": {"`tls`": {"capped": "handshakes_at_once: 64"}}}
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

    def test_a_storm_is_as_long_as_in_most_rounds(self):
        rounds = [storm(0, [1.0, 2.0, 3.0]), storm(1, [1.5, 2.5, 3.5]), storm(2, [0.5])]
        summary = Summary(document({"storm": {"switchyard": rounds, "nginx": [storm(0, [])]}}))
        self.assertEqual(summary.arrivals(STORM, "switchyard"), [1.0, 2.5, 3.5])
        self.assertEqual(summary.arrivals(STORM, "nginx"), [])
        even = Summary(document({"storm": {"switchyard": rounds[::2]}}))
        self.assertEqual(even.arrivals(STORM, "switchyard"), [1.0])

    def test_a_crowd_is_patient_as_long_as_it_has_attempts(self):
        self.assertEqual(Crowd(8000, 2.0, 3, 0.5).longest, 7.5)

    def test_a_second_of_a_drain_is_that_of_most_rounds(self):
        rounds = [drain(0, [10, 12], {"1012": 22}), drain(1, [10, 10, 2], {"1012": 20, "1001": 2}), drain(2, [11, 0, 4], {})]
        summary = Summary(document({"drain": {"switchyard": rounds}}))
        self.assertEqual(summary.pace(DRAIN, "switchyard"), [10, 10, 2])
        self.assertEqual({code: found.value for code, found in summary.codes(DRAIN, "switchyard").items()}, {"1012": 20, "1001": 0})
        self.assertEqual(summary.pace(DRAIN, "nginx"), [])

    def test_the_last_of_a_drain_is_waited_for_until_it_is_cut(self):
        self.assertEqual(Departure(9000, 60).argv, ["--sessions", "9000", "--limit", "95000"])
        self.assertEqual(Departure(9000, 60).ideal, 150.0)

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


    def test_over_http2_it_is_compared_with_others_only(self):
        over = {"fwd-rw": [window(0, 10.0)], "switchyard": [window(0, 12.0)], "switchyard-1-1": [window(0, 8.0)],
                "haproxy": [window(0, 11.0)]}
        text = report.tables(document({"h2-echo": over, "echo": {"fwd-rw": [window(0, 1.0)]}}))
        self.assertIn("| HTTP/2: CPU, x fwd-rw over HTTP/1.1 | echo 128 B, 4 conns of 25 |", text)
        self.assertIn("| switchyard-1-1 | 0.80 ±0.00 |", text)
        self.assertIn("HTTP/2: echo 128 B, 4 conns of 25: 1.20 against 1.10 of haproxy", text)
        self.assertNotIn("of switchyard", text)

    def test_a_storm_says_who_never_came(self):
        percents = [second / 100 for second in range(1, 101)]
        storms = {"switchyard": [storm(0, percents[:60])], "switchyard-capped": [storm(0, percents)],
                  "nginx": [storm(0, percents)]}
        text = report.tables(document({"storm": storms}))
        self.assertIn("| **switchyard** | **60** | **0.10** | **0.50** | **never** | **never** | **40** |", text)
        self.assertIn("99 % never against 0.99 s of nginx", text)
        self.assertIn("`switchyard-capped` has `handshakes_at_once: 64` in `tls`.", text)


    def test_a_drain_says_how_sessions_ended_and_who_was_more_even(self):
        drains = {"switchyard": [drain(0, [20] * 5, {"1012": 100})],
                  "nginx": [drain(0, [0] * 9 + [100], {}, reset=100)], "caddy": [drain(0, [10] * 10, {"1001": 100})]}
        text = report.tables(document({"drain": drains}))
        self.assertIn("| **switchyard** | **SIGTERM, `drain.over`** | **100 with 1012** | **0** | **0** | **0** | **20** | **2.0** |", text)
        self.assertIn("| nginx | SIGHUP, `worker_shutdown_timeout` | 0 | 0 | 100 | 0 | 100 | 10.0 |", text)
        self.assertIn("paced drain: at most 20 in a second against 10 of caddy", text)
        self.assertNotIn("of nginx", text)
        self.assertNotIn("rounds of", text)
        self.assertIn("over 10 s, so 10 in a second if all seconds were the same; 2 rounds.", text)
        self.assertIn("100 idle sessions when the gateway is asked to go over 10 s, so 10 in a second", text)


    def test_a_fanout_says_what_was_missed_and_who_was_better(self):
        results = {"fanout": {"switchyard": [published(0, 100_000)], "switchyard-redis": [published(0, 300_000, p99_us=1.0)],
                              "nchan": [published(0, 200_000, missed=7)], "pushpin": [published(0, 10_000, p99_us=8000.0)]},
                   "channels": {"nchan": [published(0, 20_000)]},
                   "subscribed": {"switchyard": [subscribed(0, 4000.0)], "nchan": [subscribed(0, 3000.0)]}}
        text = report.tables(document(results))
        self.assertIn("Fan-out: `fanout` 1,000 sessions and 5 messages a second, `fanout-tenth` 100 sessions and 50 messages a second, "
                      "`channels` 1,000 sessions and 400 messages a second; messages of 128 bytes for 8 s; 3 rounds.", text)
        self.assertIn("| nchan | 200,000 | 1.50 | 9.00 | 12.00 | 2.50 | 12.00 | 7 | 0 | 0 | 0 | 40% | 30% |", text)
        self.assertIn("| nchan | 20,000 | 1.50 | 9.00 | 12.00 | 0 | 0 | 0 | 0 | 40% | 30% |", text)
        self.assertIn("fan-out, one channel for all: 100,000 deliveries a CPU second against 200,000 of nchan", text)
        self.assertIn("fan-out, one channel for all: 9.00 ms until 99 % had it against 8.00 ms of pushpin", text)
        self.assertIn("fan-out, subscribed to a channel of its own: 4,000 bytes a session against 3,000 of nchan", text)
        self.assertNotIn("of switchyard-redis", text)
        self.assertIn("Centrifugo", text)

    def test_nothing_is_said_about_a_fanout_that_was_not_measured(self):
        text = report.tables(document({"echo": {"fwd-rw": [window(0, 10.0)]}}))
        self.assertNotIn("an-out", text)
        self.assertNotIn("Centrifugo", text)


class Merge(unittest.TestCase):
    def test_each_scenario_is_that_of_the_last_run_that_had_it(self):
        first = document({"echo": {"fwd-rw": [window(0, 1.0)]}, "depth": {"fwd-rw": [window(0, 2.0)]}})
        second = document({"echo": {"fwd-rw": [window(0, 3.0)]}, "storm": {"nginx": [storm(0, [0.1])]}})
        second["machine"] = {**second["machine"], "date": "2027-01-01"}
        third = document({"storm": {"nginx": [storm(0, [0.2])]}})
        whole = merged([merged([first, second]), third])
        self.assertEqual(whole["results"]["echo"]["fwd-rw"][0]["cpu_us"], 3.0)
        self.assertEqual([(part["machine"]["date"], part["scenarios"]) for part in whole["parts"]],
                         [("2026-01-01", ["depth"]), ("2027-01-01", ["echo"]), ("2026-01-01", ["storm"])])
        text = report.tables(whole)
        self.assertIn("echo: 2027-01-01, a CPU", text)
        self.assertIn("Storms: 100 clients", text)

    def test_one_run_is_itself(self):
        only = document({})
        self.assertIs(merged([only]), only)


class Plots(unittest.TestCase):
    def test_a_drain_has_a_panel_for_each_on_one_scale(self):
        drains = {"switchyard": [drain(0, [10] * 10, {"1012": 100})], "nginx": [drain(0, [0] * 11 + [100], {}, reset=100)]}
        drawn = plot.all_of(Summary(document({"drain": drains})))["drain.svg"]
        self.assertEqual((drawn.count('class="bar us"'), drawn.count('class="bar"')), (10, 1))
        self.assertEqual(drawn.count(">100<"), 2)

    def test_a_fanout_has_a_panel_for_each_figure(self):
        results = {"fanout": {"switchyard": [published(0, 100_000)], "nchan": [published(0, 200_000)]},
                   "subscribed": {"switchyard": [subscribed(0, 4000.0)]}}
        plots = plot.all_of(Summary(document(results)))
        self.assertEqual(list(plots), ["fanout.svg"])
        drawn = plots["fanout.svg"]
        self.assertEqual((drawn.count('class="bar us"'), drawn.count('class="bar"')), (4, 3))
        for words in ("fanout: deliveries a CPU second", ">100,000<", "fanout: lag in ms, 99 %", ">9.0<", ">4,000<"):
            self.assertIn(words, drawn)

    def test_powers_of_ten_are_as_far_from_each_other_as_one_is_from_zero(self):
        self.assertEqual(pace.powers(150), [1, 10, 100, 1000])
        self.assertEqual(pace.powers(0), [1])
        panel = pace.Pace("nginx", [], 10.0, 10, 12, 1000)
        self.assertEqual([panel._high(count) * 4 / pace.HIGH for count in (0, 1, 10, 1000)], [0, 1, 2, 4])

    def test_http2_and_storms_have_plots_of_their_own(self):
        over = {"fwd-rw": [window(0, 10.0)], "switchyard": [window(0, 12.0)]}
        plots = plot.all_of(Summary(document({"h2-echo": over, "storm": {"nginx": [storm(0, [0.1, 0.2])]}})))
        self.assertEqual(sorted(plots), ["http2.svg", "storm.svg"])

    def test_who_does_not_come_stays_where_it_was(self):
        self.assertEqual(curves.path([0.5, 1.0], 4.0), [(0.0, 0.0), (0.5, 1), (1.0, 2), (4.0, 2)])
        self.assertEqual(curves.path([], 4.0), [(0.0, 0.0), (4.0, 0.0)])

    def test_marks_are_round(self):
        self.assertEqual(curves.ticks(0.45), [0.0, 0.1, 0.2, 0.3, 0.4])
        self.assertEqual(curves.ticks(17.0), [0, 5, 10, 15])

    def test_no_two_lines_are_the_same(self):
        names = ["switchyard", "switchyard-a", "switchyard-b", *(f"peer{number}" for number in range(12))]
        drawn = svg.strokes(names)
        self.assertEqual(len(set(drawn.values())), len(names))
        self.assertTrue(all("c0" in drawn[name] for name in names[:3]))


class Proc(unittest.TestCase):
    def test_no_port_is_given_twice(self):
        self.assertEqual(len(set(processes.free_ports(500))), 500)

    def test_a_name_may_contain_anything(self):
        with tempfile.TemporaryDirectory() as folder:
            stat = Path(folder) / "stat"
            stat.write_text("12 (a) b (c)) S 1 12")
            self.assertEqual(processes._stat(stat), ["S", "1", "12"])
            self.assertEqual(processes._stat(Path(folder) / "gone"), [])


if __name__ == "__main__":
    unittest.main()
