"""Waiting for what machines and brokers do in their own time."""

from __future__ import annotations

import time
from collections.abc import Callable

from proving.kills.broker import Broker


def wait_for(condition: Callable[[], bool], seconds: float = 180.0) -> None:
    """Return when it holds; fail when it does not in time."""
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come to pass in time"
        time.sleep(0.05)


def wait_for_fresh(broker: Broker) -> None:
    """Return when a value arrives that waited for nothing: all that waited is there then."""
    mark = len(broker.heard)
    wait_for(lambda: any(event["type"] == "value" and "replayed" not in event for event in broker.heard[mark:]))
