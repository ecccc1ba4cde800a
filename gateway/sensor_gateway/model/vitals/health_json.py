"""The health value as JSON, made shorter step by step until it fits. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Final

from sensor_gateway.model.health import Availability
from sensor_gateway.model.vitals.gateway_health import Health, LeftOut
from sensor_gateway.model.writing.compact_json import compact_json

MOST_BYTES: Final = 64_000
"""Whatever the broker takes: a message that all subscribers get again and again stays small."""


_NAMES: Final[dict[type, tuple[str, ...]]] = {}
"""The fields of the values that were met so far."""


def health_payload(health: Health, room: int = MOST_BYTES) -> bytes:
    """JSON of at most ``room`` bytes, and of MOST_BYTES at any rate; ``left_out`` names what is not in it.

    First the sensors that are online go (they stay in ``sensor_counts``), then the reasons of the others, then all
    sensors, then the buses. What is left then is given however large it is: about a kilobyte.
    """
    payload = encoded(health)
    for what, shorter in _STEPS:
        if len(payload) <= min(room, MOST_BYTES):
            break
        health = replace(shorter(health), left_out=(*health.left_out, what))
        payload = encoded(health)
    return payload


def encoded(health: Health) -> bytes:
    """The whole value; keys in the order of the fields."""
    return compact_json(health, default=_plain)


def _plain(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in _names(type(value))}


def _names(kind: type) -> tuple[str, ...]:
    names = _NAMES.get(kind)
    if names is None:
        if not is_dataclass(kind):
            raise TypeError(f"a health message holds no {kind.__name__}")
        names = _NAMES[kind] = tuple(field.name for field in fields(kind))
    return names


def _without_online(health: Health) -> Health:
    kept = {name: one for name, one in health.sensors.items() if one.state is not Availability.ONLINE}
    return replace(health, sensors=kept)


def _without_reasons(health: Health) -> Health:
    return replace(health, sensors={name: replace(one, reason="") for name, one in health.sensors.items()})


_STEPS: Final[tuple[tuple[LeftOut, Callable[[Health], Health]], ...]] = (
    (LeftOut.ONLINE_SENSORS, _without_online),
    (LeftOut.REASONS, _without_reasons),
    (LeftOut.SENSORS, lambda health: replace(health, sensors={})),
    (LeftOut.BUSES, lambda health: replace(health, buses={})),
)
