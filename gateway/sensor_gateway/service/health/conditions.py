"""What others have counted, in the words of a health message. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from sensor_gateway.model.event import GapCause
from sensor_gateway.model.event_json import rfc3339
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.model.vitals.bus_report import BusReport, SensorTally
from sensor_gateway.model.vitals.gateway_health import (
    BusCondition,
    CommandCounts,
    LostEvents,
    RecoveryCondition,
    SensorCondition,
    SensorCounts,
)
from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.model.writing.sentence import shortened
from sensor_gateway.outbox.counters import OutboxCounters
from sensor_gateway.publishing.health.report import PublisherCounters
from sensor_gateway.service.commands.audit import CommandCounters
from sensor_gateway.service.health.silence import silence_of

LONGEST_REASON: Final = 200
_NO_TALLY: Final = SensorTally(sensor="", polls=0, failures=0, last_good=None)


def lost_of(outbox: OutboxCounters, publisher: PublisherCounters) -> LostEvents:
    """Each cause of a loss, by whoever knows of it."""
    dropped = outbox.dropped_by
    return LostEvents(
        limit=dropped.get(GapCause.LIMIT, 0),
        age=dropped.get(GapCause.AGE, 0),
        damage=dropped.get(GapCause.DAMAGE, 0) + publisher.damaged,
        quarantine=publisher.quarantined,
        memory=dropped.get(GapCause.MEMORY, 0),
        refused=outbox.refused,
        unknown=dropped.get(GapCause.UNKNOWN, 0) + publisher.unexplained,
    )


def sensor_conditions(
    states: Mapping[str, SensorState], reports: Iterable[BusReport], before: Mapping[str, int]
) -> dict[str, SensorCondition]:
    """Each sensor by its state, what its bus counted, and what failed in earlier lives."""
    tallies = {tally.sensor: tally for bus in reports for tally in bus.sensors}
    return {name: _sensor(state, tallies.get(name, _NO_TALLY), before.get(name, 0)) for name, state in states.items()}


def _sensor(state: SensorState, tally: SensorTally, failures_before: int) -> SensorCondition:
    return SensorCondition(
        state=state.state,
        code=state.code,
        reason=shortened(state.reason, LONGEST_REASON),
        since=time_of(state.since),
        last_good=None if tally.last_good is None else time_of(tally.last_good),
        polls=tally.polls,
        failures=tally.failures,
        failures_before=failures_before,
    )


def bus_conditions(
    reports: Iterable[BusReport], states: Mapping[str, SensorState], recoveries: Mapping[str, RecoveryCondition]
) -> dict[str, BusCondition]:
    """Each bus by its report, the silence of its sensors, and what its recover command came to."""
    return {bus.bus: _bus(bus, silence_of(bus, states), recoveries.get(bus.bus)) for bus in reports}


def _bus(bus: BusReport, silence: str, recovery: RecoveryCondition | None) -> BusCondition:
    return BusCondition(
        state=bus.state,
        reason=shortened(silence, LONGEST_REASON),
        load=bus.load,
        error_rate=bus.error_rate,
        transfers=bus.transfers,
        errors=bus.errors,
        missed=bus.missed,
        put_off=bus.put_off,
        recovery=recovery,
    )


def sensor_counts(states: Iterable[SensorState]) -> SensorCounts:
    """How many sensors are in each state."""
    counted = Counter(state.state for state in states)
    return SensorCounts(
        starting=counted[Availability.STARTING],
        online=counted[Availability.ONLINE],
        degraded=counted[Availability.DEGRADED],
        offline=counted[Availability.OFFLINE],
    )


def clock_of(start: Stamp, now: Stamp) -> ClockState:
    """Once it is set it stays so; where it was not at the start, what was measured before is put right by it."""
    was_set_later = start.clock is ClockState.UNSYNCED and now.clock is ClockState.SYNCED
    return ClockState.CORRECTED if was_set_later else now.clock


def command_counts(counters: CommandCounters) -> CommandCounts:
    """What was asked through the broker, refusals of all kinds together."""
    return CommandCounts(done=counters.done, failed=counters.failed, refused=sum(counters.refused.values()))


def time_of(stamp: Stamp) -> Rfc3339:
    """The wall clock of a stamp."""
    return Rfc3339(rfc3339(stamp.wall_ms))
