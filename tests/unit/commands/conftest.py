"""Requests as they come in, and a judge that knows the time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.incoming import Incoming
from sensor_gateway.service.commands.judge import CommandLimits

WALL_MS = 1_795_622_400_000
"""2026-11-25T16:00:00Z"""


def incoming(payload: object = b"{}", name: str = "read", **more: Any) -> Incoming:
    facts: dict[str, Any] = {"is_retained": False, "expiry_s": None, "response_topic": None, "correlation": None}
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Incoming(topic=f"sensors/v1/house/command/{name}", payload=data, **{**facts, **more})


def at(seconds: float = 0.0, clock: ClockState = ClockState.SYNCED) -> Stamp:
    return Stamp(uptime_ms=5_000_000 + round(seconds * 1000), wall_ms=WALL_MS + round(seconds * 1000), clock=clock)


@pytest.fixture(scope="session")
def request_in() -> Callable[..., Incoming]:
    return incoming


@pytest.fixture(scope="session")
def stamp_at() -> Callable[..., Stamp]:
    return at


@pytest.fixture(scope="session")
def limits() -> CommandLimits:
    return CommandLimits(
        prefix="sensors/v1", gateway="house", allowed=("read", "log-level"), per_minute=30, max_size=4000
    )
