"""The roll of gateways: keeps the newest of what each has said on its retained topics."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sensor_gateway.publishing.fleet.fields import Fields, fields_of, printable
from sensor_gateway.publishing.fleet.gateway_line import GatewayLine, Heard, gateway_line, worst_first

_KINDS: Final = ("status", "health", "meta")
MOST_SENSORS: Final = 10_000
"""Of one gateway; the rest is not looked at."""


@dataclass(slots=True)
class _Entry:
    messages: dict[str, Fields] = field(default_factory=dict)
    unreadable: dict[str, None] = field(default_factory=dict)
    sensors: dict[str, Fields] = field(default_factory=dict)


class Roll:
    """Hears messages, and gives a line for each gateway. ``heard`` counts the messages so far."""

    def __init__(self, prefix: str) -> None:
        """Know nobody yet. ``prefix``: the first levels of every topic."""
        self.heard = 0
        self._prefix = f"{prefix}/"
        self._entries: dict[str, _Entry] = {}

    @property
    def topics(self) -> list[str]:
        """What to subscribe to."""
        return [*(f"{self._prefix}+/{kind}" for kind in _KINDS), f"{self._prefix}+/availability/+"]

    def hear(self, topic: str, payload: bytes) -> None:
        """A message, of whatever content; an empty one takes its topic back."""
        self.heard += 1
        gateway, _, kind = topic.removeprefix(self._prefix).partition("/")
        if not topic.startswith(self._prefix) or not (kind in _KINDS or kind.startswith("availability/")):
            return
        entry = self._entries.setdefault(gateway, _Entry())
        entry.unreadable.pop(kind, None)
        known, name = entry.messages, kind
        if kind not in _KINDS:
            known, name = entry.sensors, kind.partition("/")[2]
        known.pop(name, None)
        if not payload or len(entry.sensors) >= MOST_SENSORS:
            return
        fields = fields_of(payload)
        if fields is None:
            entry.unreadable[kind] = None
        else:
            known[name] = fields

    def lines(self, now: datetime) -> list[GatewayLine]:
        """All gateways of which anything was heard, the worst first."""
        found = []
        for gateway, entry in self._entries.items():
            if not (entry.messages or entry.unreadable or entry.sensors):
                continue
            heard = Heard(
                status=entry.messages.get("status"),
                health=entry.messages.get("health"),
                meta=entry.messages.get("meta"),
                sensors=entry.sensors,
                unreadable=tuple(map(printable, entry.unreadable)),
            )
            found.append(gateway_line(printable(gateway), heard, now))
        return worst_first(found)
