"""What health costs: for each reading, for each turn of the publisher, for each message, and for each page of metrics.

A hundred BH1750 at 1 Hz on one simulated bus, in virtual time, so that a minute takes a tenth of a second: once as it
is, and once without the meter on the wire and without reports. Rounds of both are made in turn, and the least of each
counts. ``json.dumps`` of one event is the unit that carries over to other machines.

usage: python benchmarks/health.py
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any, Final

from sensor_gateway.config.loading import load_text
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.vitals.gateway_health import LinkState
from sensor_gateway.outbox.counters import OutboxCounters
from sensor_gateway.outbox.inspection.looking import Unheard
from sensor_gateway.outbox.tiers.outlook import Outlook
from sensor_gateway.publishing.health.report import PublisherCounters, PublisherReport
from sensor_gateway.publishing.linking.link import LinkReport
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.sensing.reporting.wire_meter import WireMeter
from sensor_gateway.service.health.beat import LEAST_S
from sensor_gateway.service.health.flash_writes import bytes_written
from sensor_gateway.service.health.survey import HealthSurvey, Subject
from sensor_gateway.service.metrics.exposition import exposition
from sensor_gateway.service.metrics.families import FAMILIES
from sensor_gateway.service.plans import sensor_plans
from sensor_gateway.simulation.build import simulated_bus
from sensor_gateway.simulation.virtual_clock import VirtualClock

SENSORS: Final = 100
MINUTE_S: Final = 60.0
ROUNDS: Final = 30
CALLS: Final = 200

EVENT: Final = {
    "id": "greenhouse:000012-7f3c9a2e:184467", "type": "value", "gateway": "greenhouse", "epoch": "000012-7f3c9a2e",
    "seq": 184467, "sensor": "attic", "channel": "temperature", "quantity": "temperature", "value": 21.5, "unit": "°C",
    "quality": "good", "reason": "change", "time": "2026-11-23T16:00:00.123Z", "clock": "synced", "boot": "1b4e28ba",
    "uptime_ms": 86400123,
}  # fmt: skip


class QuietOutbox:
    """An outbox in which nothing waits."""

    pending = 0
    alarms = ()
    counters = OutboxCounters()

    def outlook(self) -> Outlook:
        """Nothing to tell."""
        return Outlook(oldest=None, full_in_s=None)


class Minute:
    """A poller that takes the turns of a minute."""

    def __init__(self, *, is_metered: bool) -> None:
        lines = [
            "buses: {wire: {type: simulated, kind: i2c}}",
            "defaults: {interval: 1s, heartbeat: false}",
            "sensors:",
        ]
        still = "channels: {illuminance: {deadband: 1000000}}"
        lines += [
            f"  s{number}: {{driver: bh1750, mode: high, bus: wire, address: {8 + number:#x}, {still}}}"
            for number in range(SENSORS)
        ]
        catalogue = DriverCatalogue()
        loaded = load_text("\n".join(lines) + "\n", catalogue=catalogue, environ={}, needs_broker=False)
        if loaded.configuration is None:
            raise SystemExit("\n".join(map(str, loaded.faults[:5])))
        plans = sensor_plans(loaded.configuration, catalogue)
        self.clock = VirtualClock()
        self.outlet = Outlet(10_000, lambda: None)
        bus = simulated_bus("wire", "i2c", plans, seed=0, clock=self.clock)
        sound = WireMeter.transfer
        if not is_metered:
            WireMeter.transfer = lambda self, call: call  # type: ignore[method-assign] # noqa: ARG005
        self.poller = Poller(bus=bus, sensors=plans, clock=self.clock, outlet=self.outlet, log=Unheard(), slack_s=0.05)
        WireMeter.transfer = sound  # type: ignore[method-assign]
        self.turn()
        if not is_metered:
            self.poller._ledger.due_ms = 2**62  # noqa: SLF001 (what is measured is taken out)
        self.least_us = float("inf")

    def turn(self) -> None:
        """A minute; the least CPU for one reading is kept."""
        end_s = self.clock.monotonic() + MINUTE_S
        before, began_s = self.poller.counters.readings, time.process_time()
        while self.clock.monotonic() < end_s:
            self.clock.advance(self.poller.step())
        cpu_s = time.process_time() - began_s
        self.outlet.take()
        readings = self.poller.counters.readings - before
        self.least_us = min(getattr(self, "least_us", float("inf")), cpu_s / readings * 1e6)


def least_us(call: Callable[[], object]) -> float:
    """CPU of one call, the least of many series."""
    found = float("inf")
    for _ in range(ROUNDS):
        began_s = time.process_time()
        for _ in range(CALLS):
            call()
        found = min(found, (time.process_time() - began_s) / CALLS * 1e6)
    return found


def survey_of(minute: Minute, *, interval_s: float = 60.0) -> tuple[HealthSurvey, PublisherReport]:
    """What is asked once a minute, with all sensors online."""
    stamp = minute.clock.stamp()
    names = tuple(f"s{number}" for number in range(SENSORS))
    subject = Subject(
        gateway="load",
        instance="i1",
        boot="1b4e28ba",
        version="0",
        python="3",
        sensors=names,
        start=stamp,
        interval_s=interval_s,
    )
    survey = HealthSurvey(subject, outbox=QuietOutbox(), buses=lambda: [minute.outlet], written=bytes_written)
    survey.note_sensors(
        SensorState(sensor=name, state=Availability.ONLINE, code=None, reason="", since=stamp) for name in names
    )
    counters: dict[str, Any] = dict.fromkeys(PublisherCounters.__slots__, 0)
    report = PublisherReport(
        link=LinkReport(state=LinkState.CONNECTED, since=stamp),
        counters=PublisherCounters(**counters),
        is_denied=False,
        is_held=False,
    )
    return survey, report


def main() -> None:
    plain, metered = Minute(is_metered=False), Minute(is_metered=True)
    for _ in range(ROUNDS):
        plain.turn()
        metered.turn()
    unit_us = least_us(lambda: json.dumps(EVENT))
    survey, report = survey_of(metered)
    stamp = metered.clock.stamp()
    size = len(survey.beat(report, room=64_000, now_s=0.0, now=stamp) or b"")

    def message() -> None:
        survey.begin()
        survey.beat(report, room=64_000, now_s=0.0, now=stamp)

    examined = survey.examine(report, stamp)
    page = len(exposition(FAMILIES, examined))
    looking, _ = survey_of(metered, interval_s=1e9)
    looks_at_s = itertools.count(0, LEAST_S)

    def look() -> None:
        looking.beat(report, room=64_000, now_s=next(looks_at_s), now=stamp)

    look()  # the first one has something to say
    rows = {
        "a reading without meter and reports": plain.least_us,
        "a reading with them": metered.least_us,
        "is_due, at each turn of the publisher": least_us(lambda: survey.is_due(-1.0)),
        "a look that finds nothing new, every 5 s": least_us(look),
        f"a message of {size:,} bytes": least_us(message),
        "a look at the gateway for a page of metrics, once a second at most": least_us(
            lambda: survey.examine(report, stamp)
        ),
        f"a page of metrics of {page:,} bytes": least_us(lambda: exposition(FAMILIES, examined)),
    }
    print(f"json.dumps of an event: {unit_us:.2f} us\n\n| what | CPU us | in json.dumps |\n|---|---|---|")
    for name, cpu_us in rows.items():
        print(f"| {name} | {cpu_us:.2f} | {cpu_us / unit_us:.2f} |")
    print(f"\nwith meter and reports against without: {metered.least_us / plain.least_us:.3f}")


if __name__ == "__main__":
    main()
