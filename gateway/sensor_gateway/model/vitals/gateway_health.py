"""How the gateway is: one value behind every surface that shows it. Its fields are the keys of the health topic.

The names and the closed lists are public. ``docs/health.md`` says what each key means and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from sensor_gateway.model.health import Availability
from sensor_gateway.model.reading import ClockState, FailureCode
from sensor_gateway.model.vitals.bus_report import BusState
from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.model.vitals.past import Past

HEALTH_VERSION: Final = 1


class LinkState(StrEnum):
    """How things are between us and the broker."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    REFUSED = "refused"
    STOPPED = "stopped"


class GatewayAlarm(StrEnum):
    """What does not work now, and will not by itself in most cases."""

    OUTBOX_FLASH = "outbox_flash"
    OUTBOX_HOT = "outbox_hot"
    OUTBOX_ROOM = "outbox_room"
    OUTBOX_READING = "outbox_reading"
    BROKER_REFUSED = "broker_refused"
    STREAM_DENIED = "stream_denied"
    STREAM_HELD = "stream_held"
    BUS_HUNG = "bus_hung"
    BUS_ENDED = "bus_ended"
    CONFIGURATION = "configuration"
    BUS_SILENT = "bus_silent"
    RECOVER_FAILED = "recover_failed"


class RecoveryOutcome(StrEnum):
    """What came of the newest run of a bus's ``recover.command``.

    ``done``: it ended with 0. ``failed``: with something else. ``late``: it was ended, since its time was over, or
    because the gateway stopped or its configuration changed. ``not_started``: there is no such program, or it may not
    be run.
    """

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LATE = "late"
    NOT_STARTED = "not_started"


class LeftOut(StrEnum):
    """What a message does not tell, because the whole would be larger than the broker takes."""

    ONLINE_SENSORS = "online_sensors"
    REASONS = "reasons"
    SENSORS = "sensors"
    BUSES = "buses"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHealth:
    """The connection: its state since a moment, why it is so or what to mind, and the version of MQTT spoken."""

    state: LinkState
    since: Rfc3339
    reason: str
    protocol: Literal["5", "3.1.1"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LostEvents:
    """Events that will never be delivered, by cause, since the start.

    ``refused`` found no room in the outbox at all; the others were stored first. The rest are the causes of gaps.
    """

    limit: int = 0
    age: int = 0
    damage: int = 0
    quarantine: int = 0
    memory: int = 0
    refused: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.limit + self.age + self.damage + self.quarantine + self.memory + self.refused + self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesWritten:
    """What this process wrote to flash since its start, and how much that is in a day; None where it is not known."""

    total: int | None
    per_day: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorCounts:
    """How many sensors are in each state."""

    starting: int = 0
    online: int = 0
    degraded: int = 0
    offline: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCondition:
    """The runs of a bus's ``recover.command`` since the start, and of these the failures.

    ``last`` is when the newest one began and ``outcome`` what came of it; None before the first. ``reason`` is a
    sentence while a run that failed is the newest thing known of a silent bus; else empty.
    """

    runs: int = 0
    failures: int = 0
    last: Rfc3339 | None = None
    outcome: RecoveryOutcome | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusCondition:
    """One bus, as in ``BusReport``. ``reason`` is a sentence while all its sensors are silent; else empty.

    ``recovery`` is None where the configuration has no ``recover:`` for it.
    """

    state: BusState
    reason: str = ""
    load: float | None
    error_rate: float | None
    transfers: int
    errors: int
    missed: int
    put_off: int
    recovery: RecoveryCondition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorCondition:
    """One sensor: its availability, and what was counted since its bus's thread began.

    ``failures_before`` is of earlier lives of the program, as far as they were noted.
    """

    state: Availability
    code: FailureCode | None
    reason: str
    since: Rfc3339
    last_good: Rfc3339 | None
    polls: int
    failures: int
    failures_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCounts:
    """What was asked through the broker since the start: carried out, carried out in vain, and not carried out."""

    done: int
    failed: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The gateway at ``time``. Counts of events are those since the start of this process.

    ``buffered`` events wait, the oldest of them measured at ``oldest``; ``full_in_s`` is how long the room on flash
    lasts at the rate at which it fills, by size. ``interval_s`` is the longest time to the next message, or None.
    ``clock`` is CORRECTED where it was set after this process had begun. ``configuration`` says why the gateway runs by
    something else than its file; empty where it does not. ``commands`` is None where none is allowed.
    """

    schema_version: int = HEALTH_VERSION
    time: Rfc3339
    clock: ClockState
    gateway: str
    instance: str
    boot: str
    version: str
    python: str
    uptime_s: int
    interval_s: float | None
    past: Past = Past()  # noqa: RUF009 - frozen
    link: LinkHealth
    reconnects: int
    buffered: int
    oldest: Rfc3339 | None
    full_in_s: int | None
    sent: int
    acknowledged: int
    no_subscriber: int
    lost_total: int
    lost: LostEvents
    purged: int
    bytes_written: BytesWritten
    alarms: tuple[GatewayAlarm, ...]
    configuration: str = ""
    commands: CommandCounts | None = None
    sensor_counts: SensorCounts
    left_out: tuple[LeftOut, ...] = ()
    buses: Mapping[str, BusCondition]
    sensors: Mapping[str, SensorCondition]
