"""Runs a recording through the real drivers and the real engine, in the time of the recording.

Time is what the recording says: it jumps to each step as that is taken, so that a driver which waits elsewhere, or
asks for more, is told so and goes on as far as the recording allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.loading import load_text
from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.sensing.catalogue import DriverCatalogue, DriverUnknown
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan, plan_alone
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.testing.played_doors import CutOff, Difference, PlayedBus, PlayedLine, RecordedTime
from sensor_gateway.testing.recording_file import RecordingFile, read_recording
from sensor_gateway.testing.watching import Measurement, watched

_CAPACITY: Final = 100_000
_SHORTEST_S: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a recording: each measurement, each event, and where the drivers asked for something else."""

    measurements: tuple[Measurement, ...]
    events: tuple[ChangeEvent, ...]
    differences: tuple[Difference, ...]


class Unreadable(OperatorError):
    """The configuration in a recording that cannot be read here: a driver is missing, or has other options."""


def replay_recording(file: Path, *specs: DriverSpec) -> Replayed:
    """For a test: a user's recording through these drivers (none: those that are installed).

    NotARecording, Unreadable or OSError where the file cannot be replayed.
    """
    recording = read_recording(file)
    catalogue: Catalogue = _These(specs) if specs else DriverCatalogue()
    configuration = configuration_of(recording, catalogue)
    plans = [
        plan_alone(
            section.name,
            catalogue.spec(section.driver),
            section.driver,
            section.options,
            section.number,
            interval_s=section.interval,
        )
        for section in configuration.sensors.values()
    ]
    return replayed(recording, plans, slack_s=configuration.gateway.slack)


def configuration_of(recording: RecordingFile, catalogue: Catalogue) -> Configuration:
    """The bus and the sensors that were recorded. Unreadable with every fault in it."""
    loaded = load_text(
        recording.header.configuration,
        catalogue=catalogue,
        environ={},
        file=Path("the recording"),
        needs_broker=False,
    )
    if loaded.configuration is None:
        raise Unreadable("\n".join(map(str, loaded.faults)))
    return loaded.configuration


def replayed(recording: RecordingFile, plans: Sequence[SensorPlan], *, slack_s: float) -> Replayed:
    """The recording through these sensors, as one bus thread would run them."""
    time = RecordedTime(recording.header)
    measurements: list[Measurement] = []
    sensors = [watched(plan, time, measurements.append) for plan in plans]
    longest_s = max((plan.interval_s for plan in plans), default=0.0)
    door: PlayedBus | PlayedLine = (PlayedBus if recording.header.is_i2c else PlayedLine)(
        recording, time, grace_s=longest_s
    )
    outlet = Outlet(_CAPACITY, lambda: None)
    poller = Poller(bus=door, sensors=sensors, clock=time, outlet=outlet, log=_Silence(), slack_s=slack_s)
    events: list[ChangeEvent] = []
    while time.passed_s < recording.end_s:
        wait_s = poller.step()
        # What was cut off by the end of the recording has not failed.
        cut_off = {plan.name for plan in plans if (plan.address if recording.header.is_i2c else 0) in door.ended}
        taken, _ = outlet.take()
        events.extend(event for event in taken if event.value is not None or event.source.sensor not in cut_off)
        time.advance_to(time.passed_s + max(wait_s, _SHORTEST_S))
    return Replayed(
        measurements=tuple(one for one in measurements if not isinstance(one.error, CutOff)),
        events=tuple(events),
        differences=tuple(door.differences),
    )


class _These:
    """A catalogue of the drivers that a test brings."""

    def __init__(self, specs: Sequence[DriverSpec]) -> None:
        self._specs = {name: spec for spec in specs for name in spec.variants}

    def names(self) -> tuple[str, ...]:
        return tuple(self._specs)

    def spec(self, name: str) -> DriverSpec:
        if name not in self._specs:
            raise DriverUnknown(name)
        return self._specs[name]


class _Silence:
    """A log that nobody reads: what happens is told by measurements and events."""

    def info(self, event: str, /, **facts: object) -> None:
        """Nothing."""

    debug = warning = error = info
