"""From the configuration that runs and another one to what has to be done. Pure.

What is equal is not touched: its plans stay the same objects, by which the bus threads know that nothing happens to
a sensor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sensor_gateway.model.health import UnreadSensor
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.service.configuration.setup import BusSetup, Setup


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What becomes of the gateway. ``setup`` is the new one, with the old one's objects where nothing differs.

    ``refusals`` are sentences on what only a restart can change; where there is one, nothing is to be done. ``notes``
    tell what counts from the next start on. Buses and sensors are named; ``silenced`` are the sensors that leave a
    bus that stays. ``is_moving``: the broker that is left is another one than the new one.
    """

    setup: Setup
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    buses_removed: tuple[str, ...] = ()
    buses_changed: tuple[str, ...] = ()
    buses_renewed: tuple[str, ...] = ()
    buses_added: tuple[str, ...] = ()
    silenced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    recoveries_changed: tuple[str, ...] = ()
    sensors_removed: tuple[str, ...] = ()
    sensors_changed: tuple[str, ...] = ()
    sensors_added: tuple[str, ...] = ()
    is_broker_changed: bool = False
    is_moving: bool = False
    is_described_anew: bool = False
    is_health_changed: bool = False
    is_metrics_changed: bool = False

    def sentences(self) -> tuple[str, ...]:
        """What has to be done, for people; nothing where nothing differs."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        yield from (f"sensor {name} was removed" for name in self.sensors_removed)
        yield from (f"sensor {name} was changed" for name in self.sensors_changed)
        yield from (f"sensor {name} was added" for name in self.sensors_added)
        yield from (f"bus {name} is opened anew" for name in self.buses_renewed)
        yield from (f"`recover:` of bus {name} was changed" for name in self.recoveries_changed)
        if self.is_broker_changed:
            yield "the connection to the broker is made anew"
        if self.is_health_changed:
            yield "the interval of health messages was changed"
        if self.is_metrics_changed:
            metrics = self.setup.metrics
            yield "metrics end" if metrics is None else f"metrics are to be served at {metrics.address}"
        is_told = self.sensors_removed or self.sensors_changed or self.sensors_added or self.is_health_changed
        if self.is_described_anew and not is_told:
            yield "names or the order of sensors were changed"


def difference(old: Setup, new: Setup) -> Difference:
    """What to do so that a gateway that runs by ``old`` runs by ``new``."""
    refusals = tuple(_refusals(old, new))
    if refusals:
        return Difference(setup=old, refusals=refusals)
    setup = _with_old_plans(old, new)
    renewed = tuple(name for name in setup.buses if name in old.buses and _is_renewed(old, setup, name))
    buses_of = _buses_by_sensor(setup), _buses_by_sensor(old)
    known, wanted = _by_name(old), _by_name(setup)
    is_moving = _address(old) != _address(setup)
    return Difference(
        setup=setup,
        notes=tuple(_notes(old, setup)),
        buses_removed=tuple(name for name in old.buses if name not in setup.buses),
        buses_changed=tuple(
            name
            for name in setup.buses
            if name in old.buses and name not in renewed and not _is_same(old.buses[name], setup.buses[name])
        ),
        buses_renewed=renewed,
        buses_added=tuple(name for name in setup.buses if name not in old.buses),
        silenced=_silenced(old, setup),
        recoveries_changed=_recoveries_changed(old, setup),
        sensors_removed=tuple(name for name in known if name not in wanted),
        sensors_changed=tuple(
            name
            for name, one in wanted.items()
            if name in known and (one != known[name] or buses_of[0].get(name) != buses_of[1].get(name))
        ),
        sensors_added=tuple(name for name in wanted if name not in known),
        is_broker_changed=(old.broker, old.tls_files) != (setup.broker, setup.tls_files),
        is_moving=is_moving,
        is_described_anew=(old.labels, old.documents, old.unread) != (setup.labels, setup.documents, setup.unread)
        or not _are_same(old.sensors, setup.sensors),
        is_health_changed=old.health_interval_s != setup.health_interval_s,
        is_metrics_changed=old.metrics != setup.metrics,
    )


def _refusals(old: Setup, new: Setup) -> Iterator[str]:
    if old.gateway != new.gateway:
        yield (
            f"gateway.id cannot change from {old.gateway} to {new.gateway} while the gateway runs, since every event "
            "carries it: restart the gateway"
        )
    if old.stream.topic_prefix != new.stream.topic_prefix:
        yield (
            f"mqtt.topic_prefix cannot change from {old.stream.topic_prefix} to {new.stream.topic_prefix} while the "
            "gateway runs, since all its topics begin with it: restart the gateway"
        )
    if old.hot_directory != new.hot_directory:
        yield "outbox.hot_directory cannot change while the gateway runs, since events are in it: restart the gateway"
    if old.outbox != new.outbox or _pace(old) != _pace(new):
        yield "the limits and the pace of `outbox:` are read at a start only: restart the gateway"
    for name, section in new.others.items():
        if old.others.get(name) != section:
            yield f"`{name}:` is read at a start only: restart the gateway"


def _pace(setup: Setup) -> tuple[float, float, bool]:
    stream = setup.stream
    return stream.drain_rate, stream.spill_after_s, stream.hold_when_no_subscriber


def _notes(old: Setup, new: Setup) -> Iterator[str]:
    if old.stream.clock_hold_s != new.stream.clock_hold_s:
        yield "clock.hold counts from a start: the new one takes effect at the next"
    if old.clock_source != new.clock_source:
        yield "clock.source is asked from a start on: the new one takes effect at the next"


def _with_old_plans(old: Setup, new: Setup) -> Setup:
    known = {plan.name: plan for plan in old.sensors}

    def of_old(plans: tuple[SensorPlan, ...]) -> tuple[SensorPlan, ...]:
        return tuple(known[plan.name] if known.get(plan.name) == plan else plan for plan in plans)

    sensors = of_old(new.sensors)
    by_name = {plan.name: plan for plan in sensors}
    buses = {
        name: dataclasses.replace(bus, sensors=tuple(by_name[plan.name] for plan in bus.sensors))
        for name, bus in new.buses.items()
    }
    return dataclasses.replace(new, sensors=sensors, buses=buses)


def _is_renewed(old: Setup, new: Setup, name: str) -> bool:
    before, after = old.buses[name], new.buses[name]
    section = dataclasses.replace(before.section, recover=after.section.recover)  # a command is not the bus
    return (
        (section, before.scenario, before.is_talking) != (after.section, after.scenario, after.is_talking)
        or old.slack_s != new.slack_s
    )  # fmt: skip


def _recoveries_changed(old: Setup, new: Setup) -> tuple[str, ...]:
    both = ((name, old.buses[name].section, bus.section) for name, bus in new.buses.items() if name in old.buses)
    return tuple(name for name, before, after in both if before.recover != after.recover)


def _is_same(before: BusSetup, after: BusSetup) -> bool:
    return _are_same(before.sensors, after.sensors)


def _are_same(before: tuple[SensorPlan, ...], after: tuple[SensorPlan, ...]) -> bool:
    return len(before) == len(after) and all(a is b for a, b in zip(before, after, strict=True))


def _by_name(setup: Setup) -> dict[str, SensorPlan | UnreadSensor]:
    """All that is known of each configured sensor."""
    return {**{plan.name: plan for plan in setup.sensors}, **{sensor.name: sensor for sensor in setup.unread}}


def _buses_by_sensor(setup: Setup) -> dict[str, str]:
    return {plan.name: name for name, bus in setup.buses.items() for plan in bus.sensors}


def _silenced(old: Setup, new: Setup) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, bus in old.buses.items():
        after = new.buses.get(name)
        if after is not None:
            stay = {plan.name for plan in after.sensors}
            gone = tuple(plan.name for plan in bus.sensors if plan.name not in stay)
            if gone:
                found[name] = gone
    return found


def _address(setup: Setup) -> tuple[str, int, str]:
    return setup.broker.host, setup.broker.port, setup.broker.client_id
