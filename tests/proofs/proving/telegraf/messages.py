"""Messages of the event stream, of every kind, as a gateway would send them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from proving.kills.broker import EVENTS

Event = dict[str, Any]
_EPOCH = "000001-3a3c7dd4"


def value(seq: int, **more: object) -> Event:
    """News of a channel, a minute after the one before."""
    return {
        **_head("value", seq), "sensor": "attic", "channel": "temperature", "quantity": "temperature",
        "value": 20 + seq / 16, "unit": "°C", "quality": "good", "reason": "change", **_stamp(seq), **more,
    }  # fmt: skip


def fault(seq: int) -> Event:
    """News that a channel has no value."""
    return value(seq, value=None, quality="bad", code="nack", reason="fault")


def gap(first: int, last: int, cause: str, **more: object) -> Event:
    """Events that are lost."""
    head = _head("gap", 0)
    del head["seq"]
    return {
        **head, "id": f"house:{_EPOCH}:gap-{first}-{last}", "from_seq": first, "to_seq": last,
        "count": last - first + 1, "from_time": None, "to_time": None, "cause": cause, **more,
    }  # fmt: skip


def _head(kind: str, seq: int) -> Event:
    return {"id": f"house:{_EPOCH}:{seq}", "type": kind, "gateway": "house", "epoch": _EPOCH, "seq": seq}


def _stamp(seq: int) -> Event:
    time = f"2025-03-{1 + seq // 1440:02}T{seq // 60 % 24:02}:{seq % 60:02}:00.123Z"
    return {"time": time, "clock": "synced", "boot": "88064043", "uptime_ms": 60_000 * seq}


_UNSYNCED = {"clock": "unsynced", "time": "1970-01-01T00:02:00.001Z"}
_CORRECTED = {"clock": "corrected", "time": "2025-03-01T00:02:00.001Z"}

MESSAGES: list[list[Event]] = [
    [
        {**_head("epoch", 1), "previous": None, "previous_last_seq": None, **_stamp(1), **_UNSYNCED},
        value(2, reason="first", **_UNSYNCED),
    ],
    [value(2, reason="first", replayed=True, **_CORRECTED)],
    [{**_head("clock", 3), "offset_ms": 1_740_787_200_000, **_stamp(3)}],
    [
        value(4),
        value(5, sensor="wind-1", channel="lux", quantity="illuminance", unit="lx", value=100000, quality="uncertain"),
    ],
    [fault(6), value(7, value=-0.0625, reason="recovery")],
    [fault(6), value(7, value=-0.0625, reason="recovery")],
    [
        gap(8, 19, "age"),
        value(20),
        gap(21, 29, "age"),
        gap(31, 31, "limit", from_time="2025-03-01T00:31:00.123Z", to_time="2025-03-01T00:31:00.123Z"),
    ],
    [gap(8, 19, "age")],
    [value(32, sensor="meter", channel="energy", quantity="energy", unit="kWh", value=1.5e15)],
    [value(33, sensor="meter", channel="ratio", quantity="ratio", unit="%", value=0.1)],
    [gap(34, 34, "memory", id=f"house:{_EPOCH}:gap-before-34", from_seq=None, to_seq=None, count=3)],
]
"""Each kind of event, alone and with others; duplicates; two gaps of one cause in one message."""


def publish(port: int, *messages: Sequence[Mapping[str, Any]]) -> None:
    """Publish them, each on the event stream of the house; returns when the broker has them."""
    text = "\n".join(json.dumps(message, ensure_ascii=False) for message in messages)
    command = ["mosquitto_pub", "-p", str(port), "-t", EVENTS, "-q", "1", "-l"]
    subprocess.run(command, input=text.encode(), check=True)
