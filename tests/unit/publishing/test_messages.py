"""Topics and payloads, as the contract has them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sensor_gateway.model.channel import Source
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.reading import FailureCode, Stamp
from sensor_gateway.publishing.messages import Program, Topics, availability, last_will, replayed, stale, status
from sensor_gateway.publishing.settings import BrokerSettings

PROGRAM = Program(instance="000012-7f3c9a2e", version="0.1.0")


def test_the_kind_comes_before_the_name() -> None:
    topics = Topics(prefix="sensors/v1", gateway="greenhouse")
    assert topics.status == "sensors/v1/greenhouse/status"
    assert topics.meta == "sensors/v1/greenhouse/meta"
    assert topics.health == "sensors/v1/greenhouse/health"
    assert topics.events == "sensors/v1/greenhouse/events"
    assert topics.availability("attic") == "sensors/v1/greenhouse/availability/attic"
    assert topics.state("attic", "temperature") == "sensors/v1/greenhouse/state/attic/temperature"


def test_status_tells_since_when_and_the_will_cannot(stamp: Callable[[int], Stamp]) -> None:
    online = json.loads(status("online", PROGRAM, stamp(123)))
    assert online == {
        "state": "online",
        "instance": "000012-7f3c9a2e",
        "version": "0.1.0",
        "since": "2026-11-23T16:00:00.123Z",
    }
    assert json.loads(last_will(PROGRAM)) == {
        "state": "offline",
        "instance": "000012-7f3c9a2e",
        "version": "0.1.0",
    }


@pytest.mark.parametrize("code", [None, FailureCode.NACK])
def test_availability_carries_code_and_reason(code: FailureCode | None, stamp: Callable[[int], Stamp]) -> None:
    state = SensorState(sensor="attic", state=Availability.DEGRADED, code=code, reason="why", since=stamp(0))
    assert json.loads(availability(state)) == {
        "state": "degraded",
        "code": code,
        "reason": "why",
        "since": "2026-11-23T16:00:00.000Z",
    }


def test_a_stale_state_names_its_channel_and_is_no_event(
    source: Callable[[str], Source], stamp: Callable[[int], Stamp]
) -> None:
    assert json.loads(stale(source("attic"), "greenhouse", "1b4e28ba", stamp(5))) == {
        "type": "value",
        "gateway": "greenhouse",
        "sensor": "attic",
        "channel": "temperature",
        "quantity": "temperature",
        "value": None,
        "unit": "°C",
        "quality": "stale",
        "time": "2026-11-23T16:00:00.005Z",
        "clock": "synced",
        "boot": "1b4e28ba",
        "uptime_ms": 5,
    }


def test_replayed_is_added_behind_the_stored_bytes() -> None:
    assert json.loads(replayed(b'{"seq":1,"uptime_ms":5}')) == {"seq": 1, "uptime_ms": 5, "replayed": True}


def test_a_password_never_shows() -> None:
    settings = BrokerSettings(host="broker", port=1883, client_id="x", username="u", password="canary")  # noqa: S106
    assert "canary" not in repr(settings)
