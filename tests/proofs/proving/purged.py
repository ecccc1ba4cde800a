"""What a purge may leave: everything that waited, or nothing and a gap. And a purge that does not keep to it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.outbox.tiers.purge import Purge


def values(items: Sequence[Stored | Gap]) -> list[float]:
    """Those of the events, in order."""
    facts = [json.loads(item.body) for item in items if isinstance(item, Stored)]
    return [fact["value"] for fact in facts if fact["type"] == "value"]


def objection(found: Sequence[Stored | Gap], waiting: Sequence[float]) -> str:
    """What is wrong with what was delivered, where these waited behind an epoch's first event; "" for nothing."""
    gaps = [(gap.from_seq, gap.to_seq, gap.cause) for gap in found if isinstance(gap, Gap)]
    is_all = not gaps and values(found) == [*waiting]
    is_none = gaps == [(1, len(waiting) + 1, GapCause.PURGE)] and not values(found)
    return "" if is_all or is_none else f"{gaps} and {len(values(found))} of {len(waiting)} events"


def free_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the purge: it frees before its drops are safe."""
    monkeypatch.setattr(Purge, "_is_safe", lambda self: True)
