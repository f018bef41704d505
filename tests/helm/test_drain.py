"""Leaving: preStop, the gateway's `drain` and the grace of the kubelet follow from one value."""

import pytest
from chart import named, refusal, render

# drain, config.drain: over, ready_delay and deadline of the gateway; seconds of preStop (0: none) and of the grace
TIMES = [
    ({}, {}, ("60s", "5s", "90s"), 5, 110),
    ({"over": "5m"}, {}, ("5m", "5s", "330s"), 5, 350),
    ({"over": "1h"}, {}, ("1h", "5s", "3630s"), 5, 3650),
    ({"over": "12h"}, {}, ("12h", "5s", "43230s"), 5, 43250),
    ({"over": "300h"}, {}, ("300h", "5s", "1080030s"), 5, 1080050),
    ({"over": "0s"}, {}, ("0s", "5s", "30s"), 5, 50),
    ({"over": "1500ms"}, {}, ("1500ms", "5s", "31500ms"), 5, 52),
    ({"over": "1000ms"}, {}, ("1000ms", "5s", "31s"), 5, 51),
    ({"ready_delay": "0s"}, {}, ("60s", "0s", "90s"), 0, 100),
    ({"ready_delay": "1ms"}, {}, ("60s", "1ms", "90s"), 1, 102),
    ({"ready_delay": "999ms"}, {}, ("60s", "999ms", "90s"), 1, 102),
    ({"ready_delay": "1500ms"}, {}, ("60s", "1500ms", "90s"), 2, 104),
    ({"ready_delay": "2m"}, {}, ("60s", "2m", "90s"), 120, 340),
    ({"deadline": "2m"}, {}, ("60s", "5s", "2m"), 5, 140),
    ({"deadline": "60s"}, {}, ("60s", "5s", "60s"), 5, 80),
    ({"deadline": "60001ms"}, {}, ("60s", "5s", "60001ms"), 5, 81),
    ({"margin": "0s"}, {}, ("60s", "5s", "90s"), 5, 100),
    ({"margin": "500ms"}, {}, ("60s", "5s", "90s"), 5, 101),
    ({"margin": "2m"}, {}, ("60s", "5s", "90s"), 5, 220),
    ({"over": "0090s"}, {}, ("0090s", "5s", "120s"), 5, 140),
    ({"over": "8759h"}, {}, ("8759h", "5s", "31532430s"), 5, 31532450),
    ({}, {"over": "2m"}, ("2m", "5s", "150s"), 5, 170),
    ({}, {"ready_delay": "8s"}, ("60s", "8s", "90s"), 8, 116),
    ({}, {"deadline": "95s"}, ("60s", "5s", "95s"), 5, 115),
    ({"over": "2m"}, {"over": "120s"}, ("2m", "5s", "150s"), 5, 170),
    ({"over": "10m"}, {"ready_delay": "20s", "deadline": "15m"}, ("10m", "20s", "15m"), 20, 950),
    ({"over": "10m", "ready_delay": "1s", "deadline": "20m", "margin": "1m"}, {}, ("10m", "1s", "20m"), 1, 1262),
]


@pytest.mark.parametrize(("drain", "config", "times", "pre_stop", "grace"), TIMES)
@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
def test_times(kind, drain, config, times, pre_stop, grace):
    objects = render({"kind": kind, "drain": drain, "config": {"drain": config}})
    assert tuple(objects.config["drain"][key] for key in ("over", "ready_delay", "deadline")) == times
    wanted = {"preStop": {"sleep": {"seconds": pre_stop}}} if pre_stop else None
    assert objects.gateway.get("lifecycle") == wanted
    assert objects.pod["terminationGracePeriodSeconds"] == grace


def test_what_else_the_configuration_says_of_it_stays():
    said = {"over": "2m", "order": "oldest_first", "close": {"code": 4000, "reason": "moving"}}
    drain = render({"config": {"drain": said}}).config["drain"]
    assert drain == said | {"ready_delay": "5s", "deadline": "150s"}


@pytest.mark.parametrize(("given", "rendered"), [(100, True), (99, False), (101, True), (600, True), (1, False)])
def test_a_grace_of_ones_own_has_to_be_long_enough(given, rendered):
    """preStop 5 s, ready_delay 5 s and deadline 90 s have to fit; the margin is ours to lose."""
    values = {"terminationGracePeriodSeconds": given}
    if rendered:
        assert render(values).pod["terminationGracePeriodSeconds"] == given
    else:
        said = refusal(values)
        assert f"terminationGracePeriodSeconds: {given} would" in said
        for part in ("needs 100 s", "5 s in preStop", "drain.ready_delay 5s", "drain.deadline 90s"):
            assert part in said


def test_the_init_container_does_not_wait():
    check = named(render().pod["initContainers"], "check")
    assert "lifecycle" not in check
