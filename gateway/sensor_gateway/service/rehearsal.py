"""`simulate`: a configuration played on chips in software, in virtual time, with no broker, secret or device.

Everything but the wire is real: drivers, engine, verdicts, filters, deadbands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sensor_gateway.config.settings import BusSection, Configuration
from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.event_json import EventEncoder
from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Epoch
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.service.buses import pretended_bus, scenario_of
from sensor_gateway.service.plans import sensor_plans
from sensor_gateway.simulation.scenario import ClockJump, Scenario
from sensor_gateway.simulation.timeline import Lane, play
from sensor_gateway.simulation.virtual_clock import VirtualClock

EPOCH = Epoch(ordinal=1, random=0)
BOOT = "00000000"
_CAPACITY = 100_000


@dataclass(slots=True)
class Outcome:
    """What the rehearsal showed: the channels that gave a value, and the newest complaint of the others."""

    heard: set[str] = field(default_factory=set)
    complaints: dict[str, str] = field(default_factory=dict)

    def missing(self, expected: Sequence[str]) -> list[str]:
        """Those of ``expected`` (``sensor.channel``) that gave no value."""
        return [name for name in expected if name not in self.heard]


def expected_channels(configuration: Configuration) -> list[str]:
    """Every channel that the configuration publishes, as ``sensor.channel``."""
    return [
        f"{sensor.name}.{channel}"
        for sensor in configuration.sensors.values()
        for channel, wanted in sensor.channels.items()
        if wanted.publish
    ]


class Rehearsal:
    """One simulated run of a configuration."""

    def __init__(
        self,
        configuration: Configuration,
        catalogue: DriverCatalogue,
        *,
        scenario: Scenario | None,
        log: Log,
        write: Callable[[bytes], None],
    ) -> None:
        """``write`` gets each event as JSON; it is also where real time may be let pass."""
        self._encoder = EventEncoder(configuration.gateway.id or "gateway", BOOT)
        self._write = write
        self._seq = 0
        self._scenario = scenario
        self._jumps: list[ClockJump] = []
        self._log = log
        self._slack_s = configuration.gateway.slack
        self.outcome = Outcome()
        plans = sensor_plans(configuration, catalogue)
        self._outlets: dict[int, Outlet] = {}
        self._lanes = [
            self._lane(name, section, [plan for plan in plans if configuration.sensors[plan.name].bus == name])
            for name, section in configuration.buses.items()
            if any(sensor.bus == name for sensor in configuration.sensors.values())
        ]

    def _lane(self, name: str, section: BusSection, plans: Sequence[SensorPlan]) -> Lane:
        clock = VirtualClock()
        scenario = self._scenario or scenario_of(section)
        if scenario is not None and not self._jumps:
            self._jumps = list(scenario.clock_jumps)
        bus = pretended_bus(name, section, plans, clock, scenario=scenario)
        outlet = Outlet(_CAPACITY, lambda: None)
        poller = Poller(bus=bus, sensors=plans, clock=clock, outlet=outlet, log=self._log, slack_s=self._slack_s)
        lane = Lane(stepper=poller, clock=clock)
        self._outlets[id(lane)] = outlet
        return lane

    def play(self, seconds: float, pace: Callable[[float], None] | None = None) -> Outcome:
        """Play so many seconds; ``pace`` is told the virtual moment of each turn, and may wait for it."""

        def after_step(lane: Lane) -> None:
            if pace is not None:
                pace(lane.clock.monotonic())
            events, states = self._outlets[id(lane)].take()
            for event in events:
                self._tell(event)
            for state in states:
                self.outcome.complaints[state.sensor] = state.reason

        play(self._lanes, seconds=seconds, after_step=after_step, clock_jumps=self._jumps)
        return self.outcome

    def _tell(self, event: ChangeEvent) -> None:
        self._seq += 1
        if event.value is not None:
            self.outcome.heard.add(f"{event.source.sensor}.{event.source.channel.name}")
        self._write(self._encoder.value(event, str(EPOCH), self._seq))
