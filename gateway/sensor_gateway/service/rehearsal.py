"""`simulate`: a configuration played on chips in software, in virtual time, with no broker, secret or device.

Everything but the wire is real: drivers, engine, verdicts, filters, deadbands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sensor_gateway.config.sections.buses import BusSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.event_json import EventEncoder
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Epoch
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.service.buses import pretended_bus
from sensor_gateway.service.plans import sensor_plans
from sensor_gateway.service.scenarios import scenario_of
from sensor_gateway.simulation.build import has_model
from sensor_gateway.simulation.scenario import ClockJump, Scenario
from sensor_gateway.simulation.timeline import Lane, play
from sensor_gateway.simulation.virtual_clock import VirtualClock

EPOCH = Epoch(ordinal=1, random=0)
BOOT = "00000000"
_CAPACITY = 100_000


@dataclass(slots=True)
class Outcome:
    """What the rehearsal showed: the channels that gave a value, and what is known of the others."""

    heard: set[str] = field(default_factory=set)
    codes: dict[str, FailureCode] = field(default_factory=dict)
    """The newest failure of each channel, as ``sensor.channel``."""
    states: dict[str, SensorState] = field(default_factory=dict)
    """The newest state of each sensor, of those that say what is wrong if there were any."""

    def missing(self, expected: Sequence[str]) -> list[str]:
        """Those of ``expected`` (``sensor.channel``) that gave no value."""
        return [name for name in dict.fromkeys(expected) if name not in self.heard]

    def reason(self, name: str) -> str:
        """Why the channel ``name`` gave no value, and what to do."""
        state = self.states.get(name.partition(".")[0])
        if state is not None and state.code is not None:
            return state.reason
        if name in self.codes:
            return f"its measurement failed ({self.codes[name]})"
        if state is None or state.state is Availability.STARTING:
            return "no measurement of it came to its end: simulate for longer"
        return "it was measured, and its filters held the value back: simulate for longer"

    def note(self, event: ChangeEvent) -> None:
        """Take in news of a channel."""
        name = f"{event.source.sensor}.{event.source.channel.name}"
        if event.value is not None:
            self.heard.add(name)
        if event.code is not None:
            self.codes[name] = event.code

    def note_state(self, state: SensorState) -> None:
        """Take in the health of a sensor. What was wrong is kept, since a channel may have missed its only chance."""
        if state.code is not None or self.states.get(state.sensor, state).code is None:
            self.states[state.sensor] = state


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
        self.unmodelled = tuple(name for name in dict.fromkeys(plan.spec.name for plan in plans) if not has_model(name))
        """The drivers without a chip in software: their vectors are played."""
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
                self.outcome.note_state(state)

        play(self._lanes, seconds=seconds, after_step=after_step, clock_jumps=self._jumps)
        return self.outcome

    def _tell(self, event: ChangeEvent) -> None:
        self._seq += 1
        self.outcome.note(event)
        self._write(self._encoder.value(event, str(EPOCH), self._seq))
