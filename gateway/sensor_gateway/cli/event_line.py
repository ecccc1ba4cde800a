"""An event as a line for people. What comes from outside cannot move the cursor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sensor_gateway.service.logs import escape

_TOLD: Final = ("previous", "previous_last_seq", "cause", "count", "from_seq", "to_seq", "offset_ms")
"""What is told of an event that carries no value."""

_MEANINGS: Final = {
    "epoch": "a new numbering of events begins",
    "gap": "events are missing here",
    "clock": "the clock of this boot is known now",
}

_LONGEST: Final = 500


def event_line(event: object, *, with_gateway: bool = False) -> str:
    """Time, sensor and channel, value and unit, and why it was sent; ``with_gateway``: and whose it is.

    Anything that is no event is shown as it is.
    """
    if not isinstance(event, Mapping):
        return escape(f"not an event: {event!r:.200}")
    words = [str(event.get("time") or event.get("from_time") or "")]
    if with_gateway:
        words.append(f"{event.get('gateway')!s:12}")
    words.append(_value(event) if event.get("type") == "value" else _other(event))
    return escape("  ".join(words))[:_LONGEST]


def json_line(event: object) -> str:
    """The event as one line of JSON; what a terminal would obey is written as an escape of JSON's."""
    line = json.dumps(event, ensure_ascii=False)
    return line if line.isprintable() else json.dumps(event)


def _value(event: Mapping[str, Any]) -> str:
    value = event.get("value")
    shown = f"no value ({event.get('code')})" if value is None else f"{value} {event.get('unit')}"
    remarks = [str(event.get("reason"))]
    if event.get("quality") not in ("good", "bad"):
        remarks.append(str(event.get("quality")))
    if event.get("replayed"):
        remarks.append("replayed")
    if event.get("clock") == "unsynced":
        remarks.append("clock not set")
    return f"{event.get('sensor')!s}.{event.get('channel')!s}".ljust(24) + f" {shown:>16}  {', '.join(remarks)}"


def _other(event: Mapping[str, Any]) -> str:
    kind = str(event.get("type"))
    facts = [f"{key} {event[key]}" for key in _TOLD if event.get(key) is not None]
    return ", ".join([f"{kind}: {_MEANINGS[kind]}" if kind in _MEANINGS else kind, *facts])
