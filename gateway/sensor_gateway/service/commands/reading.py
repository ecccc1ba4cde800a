"""``read``: poll one sensor now, and answer with what it measured.

The request goes to the thread of the sensor's bus, and the answer comes back with that bus's news.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol

from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.event_json import rfc3339
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.polling.knowledge import ChannelKnowledge, ReadAnswer, ReadRequest
from sensor_gateway.service.commands.outcome import Outcome, failed
from sensor_gateway.service.commands.request import Request

_MOST_PENDING: Final = 64


class Asked(Protocol):
    """The requests of a bus."""

    def put(self, request: ReadRequest) -> bool:
        """Have a sensor read; False where too many ask."""
        ...


class AskedBus(Protocol):
    """A bus that is served in a thread of its own, as far as it can be asked."""

    @property
    def name(self) -> str:
        """As in the configuration."""
        ...

    @property
    def sensors(self) -> tuple[SensorPlan, ...]:
        """What is read on it."""
        ...

    @property
    def is_hung(self) -> bool:
        """Whether its thread does not come back from a call into the system."""
        ...

    @property
    def enquiries(self) -> Asked | None:
        """Where to ask for a sensor to be read; None where the bus is not served now."""
        ...

    def answers(self) -> Sequence[ReadAnswer]:
        """What has been read since the last time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    request: Request
    sensor: str


class ReadCommand:
    """Asks the buses. ``buses`` gives those that are served now."""

    def __init__(self, buses: Callable[[], Sequence[AskedBus]]) -> None:
        """Nobody is asked yet."""
        self._buses = buses
        self._pending: dict[int, _Pending] = {}
        self._number = 0

    def begin(self, request: Request, _now_s: float) -> Outcome | None:
        """Ask the bus; None while it reads."""
        name = request.arguments.get("sensor")
        if not isinstance(name, str) or len(request.arguments) > 1:
            return failed("bad_argument", 'expected {"sensor": "NAME"}, beside `transaction` and `expires`')
        buses = self._buses()
        bus, plan = next(((bus, plan) for bus in buses for plan in bus.sensors if plan.name == name), (None, None))
        if bus is None or plan is None:
            return failed("unknown_sensor", "no sensor has this name; the meta topic lists them")
        if plan.spec.bus is BusKind.SERIAL_STREAM:
            return failed("not_askable", "this sensor talks by itself: its newest values are on its state topics")
        if bus.is_hung:
            return failed("bus_stuck", f"bus {bus.name} hangs: a call into the system does not return")
        self._number += 1
        enquiries = bus.enquiries if len(self._pending) < _MOST_PENDING else None
        if enquiries is None or not enquiries.put(ReadRequest(number=self._number, sensor=name)):
            return failed("busy", f"bus {bus.name} is not served now, or too many ask; try again later", sensor=name)
        self._pending[self._number] = _Pending(request=request, sensor=name)
        return None

    def tend(self, now_s: float) -> Sequence[tuple[Request, Outcome]]:
        """The answers of the buses, and an end for those that nobody waits for any longer."""
        if not self._pending:
            return ()
        ended = []
        for bus in self._buses():
            for answer in bus.answers():
                pending = self._pending.pop(answer.number, None)
                if pending is not None:
                    ended.append((pending.request, _outcome(pending.sensor, answer)))
        for number, pending in [*self._pending.items()]:
            if pending.request.answer_to.until_s <= now_s:
                del self._pending[number]
                ended.append(
                    (pending.request, failed("timeout", "the bus was not free in time", sensor=pending.sensor))
                )
        return ended

    def wait_s(self, now_s: float) -> float:
        """Seconds until somebody has waited long enough; the bus rings when it has an answer."""
        until_s = min((pending.request.answer_to.until_s for pending in self._pending.values()), default=inf)
        return max(0.0, until_s - now_s)


def _outcome(sensor: str, answer: ReadAnswer) -> Outcome:
    time = rfc3339(answer.stamp.wall_ms)
    if answer.code is not None:
        return failed(answer.code.value, answer.reason, sensor=sensor, time=time)
    channels = {channel.channel: _channel(channel) for channel in answer.channels}
    return Outcome(is_done=True, facts={"sensor": sensor, "time": time, "channels": channels})


def _channel(known: ChannelKnowledge) -> dict[str, object]:
    facts: dict[str, object] = {"value": known.value, "unit": known.unit, "quality": known.quality.value}
    if known.code is not None:
        facts["code"] = known.code.value
    if known.reason:
        facts["reason"] = known.reason
    return facts
