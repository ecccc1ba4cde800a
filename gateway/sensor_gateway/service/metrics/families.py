"""The metrics: each one a figure of the health value, under names by Prometheus' conventions. Pure.

The names are public. A counter begins at zero with a start of the program (but the one that counts starts), and those
of a bus and its sensors with a start of its thread: ``rate`` and ``increase`` see that it fell, and count on. A state
is one sample for each of its values, of which the one that holds is 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from typing import Final

from sensor_gateway.model.health import Availability
from sensor_gateway.model.reading import ClockState
from sensor_gateway.model.vitals.bus_report import BusState
from sensor_gateway.model.vitals.gateway_health import (
    BusCondition,
    CommandCounts,
    GatewayAlarm,
    Health,
    LinkState,
    LostEvents,
    RecoveryCondition,
    SensorCondition,
    SensorCounts,
)
from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.service.metrics.exposition import Family, Kind, Sample, labels

_CAUSES: Final = tuple((field.name, labels(cause=field.name)) for field in fields(LostEvents))
_RESULTS: Final = tuple((field.name, labels(result=field.name)) for field in fields(CommandCounts))
_COUNTED: Final = tuple((field.name, labels(state=field.name)) for field in fields(SensorCounts))


def _counter(name: str, meaning: str, value: Callable[[Health], float | None]) -> Family:
    return Family(name=name, kind="counter", meaning=meaning, samples=lambda health: [("", value(health))])


def _gauge(name: str, meaning: str, value: Callable[[Health], float | None]) -> Family:
    return Family(name=name, kind="gauge", meaning=meaning, samples=lambda health: [("", value(health))])


def _state(name: str, meaning: str, kind: type[StrEnum], value: Callable[[Health], StrEnum]) -> Family:
    written = [(one, labels(state=one.value)) for one in kind]

    def samples(health: Health) -> list[Sample]:
        now = value(health)
        return [(shown, int(one is now)) for one, shown in written]

    return Family(name=name, kind="gauge", meaning=meaning, samples=samples)


def _bus(kind: Kind, name: str, meaning: str, value: Callable[[BusCondition], float | None]) -> Family:
    def samples(health: Health) -> Iterator[Sample]:
        return ((labels(bus=bus), value(one)) for bus, one in health.buses.items())

    return Family(name=f"bus_{name}", kind=kind, meaning=meaning, samples=samples)


def _sensor(kind: Kind, name: str, meaning: str, value: Callable[[SensorCondition], float | None]) -> Family:
    def samples(health: Health) -> Iterator[Sample]:
        return ((labels(sensor=sensor), value(one)) for sensor, one in health.sensors.items())

    return Family(name=f"sensor_{name}", kind=kind, meaning=meaning, samples=samples)


def _info(health: Health) -> list[Sample]:
    return [(labels(gateway=health.gateway, version=health.version, python=health.python), 1)]


def _protocol(health: Health) -> list[Sample]:
    spoken = health.link.protocol
    return [] if spoken is None else [(labels(protocol=spoken), 1)]


def _alarms(health: Health) -> Iterator[Sample]:
    return ((labels(alarm=alarm.value), int(alarm in health.alarms)) for alarm in GatewayAlarm)


def _commands(health: Health) -> Iterator[Sample]:
    counts = health.commands
    return ((shown, getattr(counts, name)) for name, shown in _RESULTS if counts is not None)


def _bus_states(health: Health) -> Iterator[Sample]:
    for bus, one in health.buses.items():
        for state in BusState:
            yield labels(bus=bus, state=state.value), int(state is one.state)


def _recovery(kind: Kind, name: str, meaning: str, value: Callable[[RecoveryCondition], float | None]) -> Family:
    def samples(health: Health) -> Iterator[Sample]:
        found = ((bus, one.recovery) for bus, one in health.buses.items())
        return ((labels(bus=bus), value(recovery)) for bus, recovery in found if recovery is not None)

    return Family(name=f"bus_recover{name}", kind=kind, meaning=meaning, samples=samples)


def _sensor_states(health: Health) -> Iterator[Sample]:
    for sensor, one in health.sensors.items():
        for state in Availability:
            yield labels(sensor=sensor, state=state.value), int(state is one.state)


def _sensor_faults(health: Health) -> Iterator[Sample]:
    for sensor, one in health.sensors.items():
        if one.code is not None:
            yield labels(sensor=sensor, code=one.code.value), 1


def _seconds(moment: Rfc3339 | None) -> float | None:
    """Since 1970, as Prometheus counts."""
    return None if moment is None else datetime.fromisoformat(moment).timestamp()


_OF_THE_GATEWAY: Final = (
    Family(name="info", kind="gauge", meaning="The gateway, and the program that it runs; always 1.", samples=_info),
    _gauge(
        "health_timestamp_seconds", "When these figures were made, by the clock of the gateway.",
        lambda health: _seconds(health.time),
    ),
    _gauge("uptime_seconds", "Time since the program started.", lambda health: health.uptime_s),
    _counter(
        "starts_total", "Starts of the gateway that were noted, this one included.", lambda health: health.past.starts
    ),
    _state("clock_state", "What is known of the wall clock.", ClockState, lambda health: health.clock),
    Family(name="alarm", kind="gauge", meaning="What does not work now: 1 while it does not.", samples=_alarms),
    Family(
        name="commands_total", kind="counter", meaning="Requests through the broker, by what came of them.",
        samples=_commands,
    ),
    _counter(
        "written_bytes_total", "Bytes that the program wrote to storage, as the kernel counts them.",
        lambda health: health.bytes_written.total,
    ),
)  # fmt: skip

_OF_THE_BROKER: Final = (
    _state("link_state", "How the gateway and the broker are connected.", LinkState, lambda health: health.link.state),
    _gauge(
        "link_since_timestamp_seconds", "When the connection to the broker came into this state.",
        lambda health: _seconds(health.link.since),
    ),
    Family(name="link_info", kind="gauge", meaning="The version of MQTT spoken; always 1.", samples=_protocol),
    _counter("reconnects_total", "Connections to the broker after the first one.", lambda health: health.reconnects),
    _gauge("buffered_events", "Events that wait for the broker.", lambda health: health.buffered),
    _gauge(
        "oldest_event_timestamp_seconds", "When the oldest event that waits was measured; absent while none waits.",
        lambda health: _seconds(health.oldest),
    ),
    _gauge(
        "buffer_room_seconds",
        "How long the room on flash lasts at its present rate, by size alone; absent while it does not fill.",
        lambda health: health.full_in_s,
    ),
    _counter("sent_events_total", "Events sent to the broker, repeats included.", lambda health: health.sent),
    _counter("acknowledged_events_total", "Events that the broker took.", lambda health: health.acknowledged),
    _counter(
        "no_subscriber_events_total", "Of the acknowledged events, those that nobody had subscribed to.",
        lambda health: health.no_subscriber,
    ),
    Family(
        name="lost_events_total", kind="counter", meaning="Events that will never be delivered, by cause.",
        samples=lambda health: ((shown, getattr(health.lost, name)) for name, shown in _CAUSES),
    ),
    _counter("purged_events_total", "Events discarded since somebody asked for it.", lambda health: health.purged),
)  # fmt: skip

_OF_BUSES: Final = (
    Family(name="bus_state", kind="gauge", meaning="Whether the bus is served.", samples=_bus_states),
    _bus("gauge", "silent", "Whether all sensors of the bus are silent.", lambda bus: int(bool(bus.reason))),
    _bus("gauge", "load_ratio", "Share of the last minute in which a transfer was under way.", lambda bus: bus.load),
    _bus("gauge", "error_ratio", "Share of the last minute's transfers that failed.", lambda bus: bus.error_rate),
    _bus("counter", "transfers_total", "Transfers on the bus.", lambda bus: bus.transfers),
    _bus("counter", "failed_transfers_total", "Transfers on the bus that failed.", lambda bus: bus.errors),
    _bus("counter", "missed_deadlines_total", "Readings that were due and not made.", lambda bus: bus.missed),
    _bus("counter", "put_off_news_total", "News that waited for room in the queue; not lost.", lambda bus: bus.put_off),
    _recovery("counter", "_runs_total", "Runs of the bus's recover command.", lambda one: one.runs),
    _recovery("counter", "_failed_runs_total", "Runs of it that failed.", lambda one: one.failures),
    _recovery(
        "gauge", "_last_timestamp_seconds", "When it ran last; absent before the first run.",
        lambda one: _seconds(one.last),
    ),
)  # fmt: skip

_OF_SENSORS: Final = (
    Family(
        name="sensors", kind="gauge", meaning="How many sensors are in each state.",
        samples=lambda health: ((shown, getattr(health.sensor_counts, name)) for name, shown in _COUNTED),
    ),
    Family(name="sensor_state", kind="gauge", meaning="Whether the sensor gives readings.", samples=_sensor_states),
    Family(name="sensor_fault", kind="gauge", meaning="Why it does not; absent while it does.", samples=_sensor_faults),
    _sensor(
        "gauge", "since_timestamp_seconds", "When the sensor came into this state.",
        lambda sensor: _seconds(sensor.since),
    ),
    _sensor(
        "gauge", "last_good_timestamp_seconds", "When it had a good value last; absent before the first.",
        lambda sensor: _seconds(sensor.last_good),
    ),
    _sensor("counter", "polls_total", "Polls that were begun.", lambda sensor: sensor.polls),
    _sensor("counter", "failed_polls_total", "Polls that failed.", lambda sensor: sensor.failures),
)  # fmt: skip

FAMILIES: Final = (*_OF_THE_GATEWAY, *_OF_THE_BROKER, *_OF_BUSES, *_OF_SENSORS)
