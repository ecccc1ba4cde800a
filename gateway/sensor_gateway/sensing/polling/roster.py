"""The sensors of one bus while it runs: who is on it now, who came, who left, and what all of them did together.

A change touches nothing of a sensor whose plan stays the same object: its schedule, references, filters, health and
back-off go on. What a sensor has counted is not forgotten when it leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.model.vitals.bus_report import SensorTally
from sensor_gateway.sensing.bus import Bus, DeviceFiles, I2cBus, line_of
from sensor_gateway.sensing.engine import DriverRun
from sensor_gateway.sensing.exchange import Exchanger
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.polling.account import SensorAccount
from sensor_gateway.sensing.polling.news import News
from sensor_gateway.sensing.polling.schedule import Schedule
from sensor_gateway.sensing.polling.sensor import PolledSensor
from sensor_gateway.sensing.polling.talker import TalkingSensor
from sensor_gateway.sensing.reporting.wire_meter import WireMeter
from sensor_gateway.sensing.stream_run import StreamRun


@dataclass(frozen=True, slots=True, kw_only=True)
class PollerCounters:
    """What a poller has done so far.

    ``polls`` begun (measurements of a stream), good ``readings``, ``failures`` of whole polls, deadlines ``missed``,
    news ``refused`` for lack of room, ``damaged`` frames of a stream and ``strays``, bytes on a line that answered
    nothing.
    """

    polls: int
    readings: int
    failures: int
    missed: int
    refused: int
    damaged: int
    strays: int


class Roster:
    """Who is on the bus. ``polled`` and ``talkers`` are never both there; ``sensors`` are all, in the file's order."""

    def __init__(
        self, plans: Sequence[SensorPlan], bus: Bus, *, news: News, clock: Clock, log: Log, slack_s: float
    ) -> None:
        """Nothing is asked yet. ValueError for a line that is to serve requests and a stream at once.

        ``meter`` measures what goes over the bus.
        """
        streams = [plan for plan in plans if plan.spec.bus is BusKind.SERIAL_STREAM]
        line = line_of(bus)
        if streams and (line is None or len(streams) < len(plans)):
            raise ValueError(f"{bus.name} cannot serve {streams[0].name}, which talks by itself, beside other sensors")
        self.is_talking = bool(streams)
        self.polled: list[PolledSensor] = []
        self.talkers: list[TalkingSensor] = []
        self.schedules: list[Schedule] = []
        self.longest_interval_s = 0.0
        self._bus = bus
        self.meter = WireMeter(clock.monotonic)
        self._news = news
        self._clock = clock
        self._log = log
        self._slack_s = slack_s
        self._exchanger = None if line is None or streams else Exchanger(line, clock)
        self._plans: dict[str, SensorPlan] = {}
        self._by_name: dict[str, PolledSensor | TalkingSensor] = {}
        self._left: tuple[int, ...] = (0, 0, 0, 0, 0, 0)
        self.change(plans)

    @property
    def sensors(self) -> Sequence[PolledSensor | TalkingSensor]:
        """All of them."""
        return self.talkers or self.polled

    @property
    def tallies(self) -> tuple[SensorTally, ...]:
        """What each of them has done so far."""
        return tuple(
            SensorTally(
                sensor=name,
                polls=sensor.polls,
                failures=sensor.account.failures,
                last_good=sensor.account.last_good,
            )
            for name, sensor in self._by_name.items()
        )

    def change(self, plans: Sequence[SensorPlan]) -> list[PolledSensor | TalkingSensor]:
        """Have exactly these from now on; gives those that are new, which have been asked nothing yet."""
        kept = self.kept(plans)
        for name in [name for name in self._by_name if name not in kept]:
            self._let_go(name)
        new: list[PolledSensor | TalkingSensor] = []
        for plan in plans:
            if plan.name not in kept:
                self._by_name[plan.name] = sensor = self._sensor(plan)
                new.append(sensor)
        self._plans = {plan.name: plan for plan in plans}
        ordered = [self._by_name[plan.name] for plan in plans]
        self.polled = [sensor for sensor in ordered if isinstance(sensor, PolledSensor)]
        self.talkers = [sensor for sensor in ordered if isinstance(sensor, TalkingSensor)]
        self.schedules = [sensor.schedule for sensor in ordered]
        self.longest_interval_s = max((plan.interval_s for plan in plans), default=0.0)
        return new

    def kept(self, plans: Iterable[SensorPlan]) -> frozenset[str]:
        """The names of those that stay as they are, were these the plans."""
        return frozenset(plan.name for plan in plans if self._plans.get(plan.name) is plan)

    def rest(self) -> None:
        """End the polls that are under way and tell nothing: no sensor wants a turn until it is revived.

        Who had asked for one of them is answered.
        """
        self.close()
        for sensor in self.polled:
            if sensor.schedule.is_called:
                sensor.account.trouble = FailureCode.MISSING, "the bus was given up while it was read, to recover it"
        for schedule in self.schedules:
            schedule.suspend()

    def close(self) -> None:
        """End the polls that are under way."""
        for sensor in self.polled:
            sensor.close()

    @property
    def counters(self) -> PollerCounters:
        """What has been done so far, by those too that have left."""
        counted = [_counted(sensor) for sensor in self.sensors]
        polls, readings, failures, missed, refused, damaged = map(sum, zip(self._left, *counted, strict=True))
        return PollerCounters(
            polls=polls,
            readings=readings,
            failures=failures,
            missed=missed,
            refused=refused,
            damaged=damaged,
            strays=0 if self._exchanger is None else self._exchanger.strays,
        )

    def _let_go(self, name: str) -> None:
        sensor = self._by_name.pop(name)
        self._left = tuple(map(sum, zip(self._left, _counted(sensor), strict=True)))
        if isinstance(sensor, PolledSensor):
            sensor.close()
        sensor.account.close()

    def _sensor(self, plan: SensorPlan) -> PolledSensor | TalkingSensor:
        account = SensorAccount(plan, self._news, self._log, self._clock.stamp())
        if self.is_talking:
            return TalkingSensor(plan, StreamRun(plan), account)
        bus, asking, meter = self._bus, self._exchanger, self.meter
        run = DriverRun(
            plan,
            transfer=meter.transfer(bus.transfer) if isinstance(bus, I2cBus) else None,
            asking=None if asking is None else meter.measured(asking.exchange),
            read_file=meter.measured(bus.read_file) if isinstance(bus, DeviceFiles) else None,
        )
        schedule = Schedule(interval_s=plan.interval_s, slack_s=self._slack_s)
        settled_s = None if asking is None else partial(asking.settled_s, plan.address)
        return PolledSensor(run, schedule, account, self._clock, settled_s=settled_s)


def _counted(sensor: PolledSensor | TalkingSensor) -> tuple[int, ...]:
    account = sensor.account
    damaged = sensor.damaged if isinstance(sensor, TalkingSensor) else 0
    return (sensor.polls, account.readings, account.failures, sensor.schedule.missed, account.refused, damaged)
