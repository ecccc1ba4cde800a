"""The main promise, from outside: gateway and broker are killed and stopped in turn, and what arrived is counted."""

from __future__ import annotations

import itertools
import random
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from proving.kills.judge import objections

pytestmark = pytest.mark.system

Event = dict[str, Any]


def value(seq: int, value: float = 1.0, epoch: str = "000001-00000000") -> Event:
    return {"id": f"g:{epoch}:{seq}", "type": "value", "epoch": epoch, "seq": seq, "value": value}


def test_the_count_can_fail() -> None:
    whole = [value(1), value(2), value(3)]
    assert objections(whole) == []
    assert objections([*whole, value(2)]) == []
    assert objections([value(1), value(3)]) == ["000001-00000000 lacks [2]"]
    assert objections([*whole, value(2, 9.0)]) == ["g:000001-00000000:2 names two events"]
    unknown_end = {**value(1, epoch="000002-00000000"), "type": "epoch", "previous": None, "previous_last_seq": None}
    assert objections([*whole, unknown_end]) == ["000002-00000000 does not follow 000001-00000000 to its end"]


def drained(broker: Any, wait_until: Callable[..., None]) -> None:
    """Wait until a fresh event arrives, and the broker has given back all that it took by then."""
    mark = len(broker.heard)
    wait_until(lambda: any("replayed" not in event for event in broker.heard[mark:]))
    broker.settle()


def test_broker_and_gateway_killed_stopped_and_restarted_in_turn_lose_nothing(
    broker: Any, gateway: Any, wait_until: Callable[..., None]
) -> None:
    chance = random.Random(42)
    broker.start()
    gateway.start()
    wait_until(lambda: len(broker.heard) > 20)
    broker.kill()
    time.sleep(chance.uniform(1.5, 2.5))  # long enough for a spill to the disk
    gateway.kill()
    gateway.start()
    time.sleep(chance.uniform(0.5, 1.5))
    broker.start()
    drained(broker, wait_until)
    broker.freeze()
    time.sleep(1.0)
    gateway.kill()
    broker.thaw()
    gateway.start()
    drained(broker, wait_until)
    broker.kill()
    time.sleep(0.5)
    broker.start()
    drained(broker, wait_until)
    code, _ = gateway.terminate()
    assert code == 0
    broker.settle()
    assert objections(broker.heard) == []


def test_events_of_an_outage_keep_the_time_at_which_they_were_measured(
    broker: Any, gateway: Any, wait_until: Callable[..., None]
) -> None:
    broker.start()
    gateway.start()
    wait_until(lambda: len(broker.heard) > 20)
    broker.kill()
    time.sleep(2.0)
    broker.start()
    drained(broker, wait_until)
    gateway.terminate()
    uptimes: dict[str, list[int]] = defaultdict(list)
    for event in sorted((event for event in broker.heard if event["type"] == "value"), key=lambda event: event["seq"]):
        if not uptimes[event["sensor"]] or event["uptime_ms"] != uptimes[event["sensor"]][-1]:
            uptimes[event["sensor"]].append(event["uptime_ms"])
    for course in uptimes.values():
        steps = [after - before for before, after in itertools.pairwise(course)]
        assert min(steps) > 0
        assert max(steps) < 1500, "measuring went on through the outage"


@pytest.mark.alone
def test_sigterm_stops_within_five_seconds_says_goodbye_and_loses_nothing(
    broker: Any, gateway: Any, wait_until: Callable[..., None]
) -> None:
    broker.start()
    gateway.start()
    wait_until(lambda: len(broker.heard) > 40)
    code, seconds = gateway.terminate()
    assert code == 0
    assert seconds < 5
    wait_until(lambda: b'"offline"' in broker.retained.get("sensors/v1/house/status", b""))
    broker.settle()
    assert objections(broker.heard) == []
    assert b'"stale"' in broker.retained["sensors/v1/house/state/s0/temperature"]


@pytest.mark.alone
def test_sigterm_without_a_broker_stops_within_five_seconds_and_keeps_everything(
    broker: Any, gateway: Any, wait_until: Callable[..., None]
) -> None:
    gateway.start()
    wait_until(lambda: gateway.log.exists() and "sensor_first_reading" in gateway.log.read_text())
    code, seconds = gateway.terminate()
    assert code == 0
    assert seconds < 5
    broker.start()
    gateway.start()
    drained(broker, wait_until)
    gateway.terminate()
    broker.settle()
    assert objections(broker.heard) == []
    assert any(event.get("replayed") for event in broker.heard) or len(broker.heard) > 20
