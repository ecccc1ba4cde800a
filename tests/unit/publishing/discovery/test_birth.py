"""After Home Assistant's start, everything is said again: once, and not by all gateways at the same moment."""

from __future__ import annotations

import random
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.announcements import Announcement
from sensor_gateway.publishing.discovery.birth import Birth
from sensor_gateway.publishing.discovery.settings import BirthSettings
from sensor_gateway.publishing.incoming import Incoming

NOW = Stamp(uptime_ms=0, wall_ms=0, clock=ClockState.SYNCED)
DISCOVERY = (Announcement(topic="homeassistant/device/g/gateway/config", payload=b"{}"),)


def message(payload: bytes = b"online", *, topic: str = "homeassistant/status", is_retained: bool = False) -> Incoming:
    return Incoming(
        topic=topic, payload=payload, is_retained=is_retained, expiry_s=None, response_topic=None, correlation=None
    )


def birth(spread_s: float = 5.0, seed: int = 1) -> Birth:
    listener = Birth(BirthSettings(spread_s=spread_s), random.Random(seed))
    listener.discovery = DISCOVERY
    return listener


def test_it_listens_where_home_assistant_speaks() -> None:
    assert birth().topics == ("homeassistant/status",)


@given(seed=st.integers(), spread_s=st.floats(0, 300))
def test_a_birth_brings_discovery_once_within_the_spread(seed: int, spread_s: float) -> None:
    listener = birth(spread_s, seed)
    assert listener.wait_s(100.0) == inf
    assert listener.hear(message(), 100.0, NOW) == ()
    wait_s = listener.wait_s(100.0)
    assert 0 <= wait_s <= spread_s
    assert listener.tend(100.0 + wait_s - 0.001, NOW) == () or wait_s < 0.002
    listener = birth(spread_s, seed)
    listener.hear(message(), 100.0, NOW)
    assert listener.tend(100.0 + wait_s + 0.001, NOW) == DISCOVERY
    assert listener.tend(1000.0, NOW) == ()
    assert listener.wait_s(1000.0) == inf


def test_many_gateways_do_not_answer_at_the_same_moment() -> None:
    waits = []
    for seed in range(100):
        listener = birth(5.0, seed)
        listener.hear(message(), 0.0, NOW)
        waits.append(listener.wait_s(0.0))
    assert max(sum(low <= wait < low + 0.5 for wait in waits) for low in range(5)) < 30


def test_a_retained_birth_a_death_and_another_topic_are_no_birth() -> None:
    listener = birth()
    for other in (message(is_retained=True), message(b"offline"), message(b""), message(topic="homeassistant/x")):
        assert listener.hear(other, 0.0, NOW) == ()
    assert listener.wait_s(0.0) == inf


def test_a_flood_of_births_brings_discovery_at_most_every_ten_seconds() -> None:
    listener = birth(0.0)
    said = 0
    for turn in range(600):
        now_s = turn / 10
        listener.hear(message(), now_s, NOW)
        said += len(listener.tend(now_s, NOW))
    assert said == 6
