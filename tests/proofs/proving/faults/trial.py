"""One trial: a subject is polled in virtual time while something goes wrong, until it is well again or time is up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proving.faults.line import FaultyLine
from proving.faults.subjects import Subject
from proving.faults.wire import Fault, FaultyBus, Kind, Transfer
from proving.logs import Quiet
from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.event import ChangeEvent, Quality
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.simulation.i2c_bus import Socket
from sensor_gateway.simulation.models import MODELS
from sensor_gateway.simulation.serial_line import WiredSlave, WiredTalker
from sensor_gateway.simulation.virtual_clock import VirtualClock

POLLS_TO_RECOVER = 4
"""Begun after the fault is over, the one in flight not counted."""
LONGEST_RECOVERY_S = 40.0
"""The longest back-off after a fault that lasts ten seconds, and the polls themselves."""
MOST_TRANSFERS = 150
"""Of one poll: far below the engine's own limit, so that a driver's bound is its own."""
GOOD_POLLS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What was told of a subject, in order; and what went over its wire."""

    events: Sequence[ChangeEvent]
    states: Sequence[SensorState]
    transfers: Sequence[Transfer]
    polls_after: int
    most_transfers: int
    is_well: bool

    @property
    def last(self) -> Mapping[str, float | None]:
        """What was said last of each channel; None for no value."""
        return {event.source.channel.name: event.value for event in self.events}


def told(subject: Subject, fault: Fault | None, *, polls: int = GOOD_POLLS) -> Story:
    """The story of a fault, or without one of so many good polls."""
    clock, outlet = VirtualClock(), Outlet(100_000, lambda: None)
    bus = _bus(subject, fault, clock)
    poller = Poller(bus=bus, sensors=[subject.plan()], clock=clock, outlet=outlet, log=Quiet(), slack_s=0.05)
    events: list[ChangeEvent] = []
    states: list[SensorState] = []
    over_s = None
    polls_before = readings_before = seen = most = 0
    polled = 0
    while True:
        wait_s = poller.step()
        news, health = outlet.take()
        events += news
        states += health
        counters = poller.counters
        if counters.polls != polled:
            polled, seen = counters.polls, len(bus.transfers) - 1
        most = max(most, len(bus.transfers) - seen)
        if over_s is None and bus.is_over:
            over_s = clock.monotonic()
            polls_before, readings_before = counters.polls, counters.readings
        if over_s is not None:
            is_well = counters.readings - readings_before >= polls * len(subject.true)
            is_well = is_well and states[-1].state is Availability.ONLINE
            if is_well or clock.monotonic() > over_s + LONGEST_RECOVERY_S + 2 * subject.interval_s:
                break
        elif clock.monotonic() > 300:
            raise AssertionError(f"{subject.name}: {fault} never began")
        clock.advance(max(wait_s, 0.0))
    return Story(
        events=events,
        states=states,
        transfers=bus.transfers,
        polls_after=poller.counters.polls - polls_before - polls,
        most_transfers=most,
        is_well=is_well,
    )


def _bus(subject: Subject, fault: Fault | None, clock: VirtualClock) -> FaultyBus | FaultyLine:
    model: Any = MODELS[subject.spec.name]
    mounting = subject.mounting()
    if subject.spec.bus is BusKind.I2C:
        return FaultyBus(Socket(model=model, mounting=mounting), fault, clock=clock)
    if subject.spec.bus is BusKind.SERIAL_REQUEST:
        return FaultyLine(WiredSlave(device=model([mounting]), sensors=("probe",)), fault, clock=clock)
    return FaultyLine(WiredTalker(device=model(mounting), sensors=("probe",)), fault, clock=clock)


def wrong_values(subject: Subject, right: Mapping[str, float], story: Story) -> list[str]:
    """Values that were published as good and are not right."""
    found = []
    for event in story.events:
        channel = event.source.channel
        if event.value is None or event.quality is not Quality.GOOD:
            continue
        if abs(event.value - right[channel.name]) > subject.slack(channel, right[channel.name]):
            found.append(f"{channel.name} of {event.value:g} in place of {right[channel.name]:g}")
    return found


def complaints(subject: Subject, right: Mapping[str, float], fault: Fault, story: Story) -> list[str]:
    """All that went wrong but for wrong values: no recovery, no word of the fault, no bound."""
    found = []
    if not story.is_well:
        found.append(f"it does not recover: {story.states[-1].reason!r}")
    elif story.polls_after > POLLS_TO_RECOVER:
        found.append(f"it takes {story.polls_after} polls to recover")
    for channel in subject.channels:
        value, true = story.last.get(channel.name), right[channel.name]
        if value is None or abs(value - true) > subject.slack(channel, true):
            found.append(f"it ends with a {channel.name} of {value} in place of {true:g}")
    codes = {state.code for state in story.states if state.code is not None} | {
        event.code for event in story.events if event.code is not None
    }
    if FailureCode.DRIVER_ERROR in codes:
        reasons = {state.reason for state in story.states if state.code is FailureCode.DRIVER_ERROR}
        found.append(f"the driver is to blame: {reasons}")
    if story.most_transfers > MOST_TRANSFERS:
        found.append(f"{story.most_transfers} transfers in one poll")
    wanted = EXPECTED.get(fault.kind) if fault.lasting_s else None
    if wanted and not codes & wanted:
        found.append(f"no word of it: {sorted(codes)}")
    return found


EXPECTED = {
    Kind.NACK: {FailureCode.NACK},
    Kind.UNPLUGGED: {FailureCode.NACK, FailureCode.MISSING},
    Kind.LOST: {FailureCode.TIMEOUT, FailureCode.BUS_STUCK},
    Kind.STUCK: {FailureCode.TIMEOUT},
}
"""What the sensor's health says of faults that last."""
