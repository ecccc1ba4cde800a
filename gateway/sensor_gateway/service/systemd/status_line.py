"""How the gateway is, in one line: ``4/5 sensors ok; mqtt up; 0 buffered; clock synced``. Pure."""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.health import Availability
from sensor_gateway.model.vitals.gateway_health import GatewayAlarm, Health, LinkState
from sensor_gateway.model.writing.sentence import shortened

_MQTT: Final = {
    LinkState.CONNECTED: "up",
    LinkState.CONNECTING: "down",
    LinkState.REFUSED: "refused",
    LinkState.STOPPED: "stopped",
}
_TOLD: Final = (GatewayAlarm.BROKER_REFUSED, GatewayAlarm.CONFIGURATION)
"""Alarms of which the line says more than their names."""

_MOST_NAMES: Final = 3
_LONGEST: Final = 400


def status_line(health: Health, *, alarm: str = "") -> str:
    """The line. What else is not well stands at its end; ``alarm`` is what the alarm ``configuration`` is about."""
    parts = [
        _sensors(health),
        f"mqtt {_MQTT[health.link.state]}",
        f"{health.buffered} buffered",
        f"clock {health.clock}",
    ]
    if health.lost_total:
        parts.append(f"{health.lost_total} lost")
    parts += [name.replace("_", " ") for name in health.alarms if name not in _TOLD]
    if alarm:
        parts.append(alarm)
    line = " ".join("; ".join(parts).split())
    return shortened(line, _LONGEST)


def _sensors(health: Health) -> str:
    counts = health.sensor_counts
    total = counts.starting + counts.online + counts.degraded + counts.offline
    if not total:
        return "no sensors yet"
    ill = [f"{name} {one.state}" for name, one in health.sensors.items() if one.state is not Availability.ONLINE]
    shown = ill[:_MOST_NAMES] + ([f"{len(ill) - _MOST_NAMES} more"] if len(ill) > _MOST_NAMES else [])
    behind = f" ({', '.join(shown)})" if shown else ""
    return f"{counts.online}/{total} sensors ok{behind}"
