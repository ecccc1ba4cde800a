"""How Home Assistant is told of us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Form: TypeAlias = Literal["device", "single"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BirthSettings:
    """Where Home Assistant says that it has started, in which words, and how long the answer may wait."""

    topic: str = "homeassistant/status"
    payload: bytes = b"online"
    spread_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySettings:
    """Where discovery is published, and in which form: ``device`` is one message per device, ``single`` per entity."""

    prefix: str = "homeassistant"
    form: Form = "device"
    birth: BirthSettings = BirthSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Areas:
    """Where things are: the gateway, and those sensors that are elsewhere. Empty where nothing is said."""

    gateway: str = ""
    sensors: Mapping[str, str] = field(default_factory=dict)

    def of(self, sensor: str) -> str:
        """The area of a sensor; the gateway's where it says none."""
        return self.sensors.get(sensor, self.gateway)
