"""Who takes part in what, over which port, and with which configuration."""

import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from driver import fanout, running  # noqa: E402
from driver.peers import HERE, PEERS, REFERENCES, is_ours, variants  # noqa: E402
from driver.scenarios import (DRAINS, FANOUTS, GROUPS, HELD, NAMES, SCENARIOS, STORMS, SUBSCRIBED,  # noqa: E402
                              held_like)

PUSHING = [*FANOUTS, *SUBSCRIBED]
BY_NAME = {scenario.name: scenario for scenario in [*SCENARIOS, *HELD, *STORMS, *DRAINS, *PUSHING]}
PEER = {peer.name: peer for peer in PEERS}


def takers(name: str) -> set[str]:
    return {peer.name for peer in PEERS if BY_NAME[name].has(peer)}


class TakingPart(unittest.TestCase):
    def test_over_http2_are_those_that_speak_it_and_what_they_are_compared_with(self):
        ours = {"switchyard", "switchyard-1-1", "switchyard-1-2", "switchyard-2-2"}
        self.assertEqual(takers("h2-echo"), {"fwd-rw", *ours, "haproxy", "envoy", "caddy"})
        self.assertEqual(takers("tls-h2-idle"), {"fwd-tls", *ours, "haproxy", "envoy", "caddy"})

    def test_nothing_else_has_the_variants_of_http2(self):
        for name in ("echo", "tls-echo", "idle", "stalled", "storm", "drain"):
            self.assertEqual([peer for peer in takers(name) if is_ours(peer)], ["switchyard"], name)

    def test_who_is_asked_to_go_is_a_gateway_once(self):
        self.assertEqual(takers("drain"), {"switchyard", "nginx", "haproxy", "envoy", "traefik", "caddy", "pingora"})

    def test_who_relays_bytes_does_so_over_http1_only(self):
        taken = {name for name, scenario in BY_NAME.items() if scenario.has(PEER["haproxy-splice"])}
        self.assertEqual(taken, {*GROUPS["http1"], *GROUPS["storms"]} - {"scale"})

    def test_pushing_are_those_that_can_be_published_at(self):
        for name in ("fanout", "fanout-tenth", "channels", "subscribed", "subscribed-common"):
            self.assertEqual(takers(name), {"switchyard", "switchyard-redis", "nchan", "pushpin"}, name)
        self.assertEqual(takers("subscribed-many"), {"switchyard", "switchyard-redis"})

    def test_nothing_else_has_those_that_only_push(self):
        for scenario in (scenario for scenario in BY_NAME.values() if not scenario.push):
            self.assertFalse(takers(scenario.name) & {"switchyard-redis", "nchan", "pushpin"}, scenario.name)

    def test_clients_use_the_port_where_their_http_is_spoken(self):
        self.assertEqual(BY_NAME["h2-echo"].entrance(PEER["switchyard"]), "h2")
        self.assertEqual(BY_NAME["tls-h2-echo"].entrance(PEER["switchyard-2-2"]), "h2_tls")
        self.assertEqual(BY_NAME["h2-echo"].entrance(PEER["switchyard-1-2"]), "listen")
        self.assertEqual(BY_NAME["tls-h2-echo"].entrance(PEER["fwd-tls"]), "tls")
        self.assertEqual(BY_NAME["echo"].entrance(PEER["switchyard"]), "listen")

    def test_a_peer_is_checked_as_it_is_measured(self):
        for scenario in (scenario for scenario in BY_NAME.values() if not scenario.push):
            for peer in (peer for peer in PEERS if scenario.has(peer)):
                self.assertEqual(held_like(scenario).entrance(peer), scenario.entrance(peer), scenario.name)

    def test_each_scenario_is_in_one_group(self):
        self.assertEqual(sorted(name for names in GROUPS.values() for name in names), sorted(NAMES))

    def test_references_are_no_variants(self):
        self.assertFalse(any(is_ours(name) for name in REFERENCES))


class Configuration(unittest.TestCase):
    def test_who_is_to_go_is_told_over_what(self):
        asked = PEER["haproxy"].leaving_over(45)
        self.assertEqual(asked.times, {"over": "45", "cut": "68"})
        self.assertEqual(asked.argv, [*PEER["haproxy"].argv, "-W"])
        self.assertEqual(PEER["haproxy"].times, {"over": "1", "cut": "2"})

    def test_who_pushes_has_another_configuration_for_that(self):
        pushing = PEER["switchyard"].pushing()
        self.assertEqual((pushing.configs, pushing.argv[-1]), (["switchyard-push.yaml"], "@run@/switchyard-push.yaml"))
        self.assertTrue(pushing.is_pushing and not PEER["switchyard"].is_pushing)
        self.assertEqual(PEER["nchan"].pushing().configs, ["nchan.conf"])

    def test_what_a_variant_has_in_a_configuration_is_filled_too(self):
        values = running._address("helper", 7)
        self.assertEqual(running._fill(PEER["switchyard-redis"].more["bus_yaml"], values), '{ redis: { url: "redis://127.0.0.1:7" } }')

    def test_a_session_with_many_channels_has_the_one_that_is_published_to(self):
        asked = dict(zip(*[iter(PEER["switchyard"].pushes.asks(True))] * 2))
        self.assertEqual(asked["--path"].count("channel="), 10)
        self.assertIn("channel={n}&", asked["--path"])
        self.assertEqual(asked["--body"], '{"channel":"{n}","text":"{text}"}')
        self.assertEqual(PEER["pushpin"].pushes.asks(False)[1], "/sub/{n}")

    def test_every_place_in_it_is_filled(self):
        known = {"run", "workers", "certificate", "key", "pair", *PEER["switchyard"].times}
        for name in [*running.PORTS, "endpoint"]:
            known |= running._address(name, 1).keys()
        for peer in PEERS:
            for config in [*peer.configs, *(peer.pushes.configs if peer.pushes else []), *([peer.behind] if peer.behind else [])]:
                places = set(re.findall(r"@(\w+)@", (HERE / "peers" / config).read_text()))
                self.assertLessEqual(places, known | peer.more.keys(), f"{peer.name}: {config}")
            words = " ".join([*peer.argv, *(peer.pushes.argv if peer.pushes else []), *(peer.helper.argv if peer.helper else [])])
            self.assertLessEqual(set(re.findall(r"@(\w+)@", words)), known | peer.more.keys(), peer.name)

    def test_a_variant_has_its_line_in_each_listener(self):
        capped, other = variants({"both": "max_connections: 5"}, {"capped": "a: 1", "both": "b: 2"})[::-1]
        self.assertEqual((other.name, other.more["listener_yaml"], other.more["tls_yaml"]),
                         ("switchyard-both", "max_connections: 5", "b: 2"))
        text = (HERE / "peers" / "switchyard.yaml").read_text()
        filled = re.sub(r"@(\w+)@", lambda match: capped.more.get(match.group(1), "x"), text)
        self.assertEqual(filled.count("\n      a: 1\n"), 2)
        self.assertTrue(BY_NAME["storm"].has(capped))

    def test_an_audience_hears_as_much_in_one_channel_as_its_tenth(self):
        audience = fanout.Audience(10000, 50000, 4000, 8.0)
        whole, tenth, channels = FANOUTS
        self.assertEqual(audience.argv(whole), ["--steps", "10000", "--rate", "5", "--messages", "40"])
        self.assertEqual(audience.argv(tenth), ["--steps", "1000", "--rate", "50", "--messages", "400"])
        self.assertEqual(audience.argv(channels), ["--steps", "10000", "--rate", "4000", "--messages", "32000"])
        self.assertEqual(fanout.Audience(100000, 50000, 1, 1.0).argv(whole)[3:], ["1", "--messages", "1"])

    def test_what_is_missing_is_an_error_where_all_has_to_come(self):
        fine = {"messages": 60, "missed": 0, "repeated": 0, "disordered": 0, "lost": 0, "refused": {}, "unanswered": 0}
        fanout._complete(fine)
        for wrong in ({"missed": 1}, {"repeated": 1}, {"refused": {"503": 1}}):
            self.assertRaises(RuntimeError, fanout._complete, {**fine, **wrong})

    def test_an_identity_is_made_once(self):
        with tempfile.TemporaryDirectory() as folder:
            first = running.identity(Path(folder))["pair"].read_text()
            self.assertEqual(running.identity(Path(folder))["pair"].read_text(), first)


if __name__ == "__main__":
    unittest.main()
