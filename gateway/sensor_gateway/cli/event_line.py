"""An event as a line for people. What comes from outside cannot move the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensor_gateway.service.logs import escape


def event_line(event: Mapping[str, Any]) -> str:
    """Time, sensor and channel, value and unit, and why it was sent."""
    time = str(event.get("time") or event.get("from_time") or "")
    kind = event.get("type")
    if kind != "value":
        facts = {key: event[key] for key in ("previous", "cause", "count", "from_seq", "to_seq") if key in event}
        return escape(f"{time}  {kind}  {facts}")
    name = f"{event.get('sensor')}.{event.get('channel')}"
    value = event.get("value")
    shown = f"{value:g} {event.get('unit')}" if isinstance(value, int | float) else f"no value ({event.get('code')})"
    remarks = [str(event.get("reason"))]
    if event.get("quality") not in ("good", "bad"):
        remarks.append(str(event.get("quality")))
    if event.get("replayed"):
        remarks.append("replayed")
    return escape(f"{time}  {name:24} {shown:>16}  {', '.join(remarks)}")
