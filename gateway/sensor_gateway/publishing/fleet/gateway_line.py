"""One gateway among many: what its retained messages say, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final, Literal

from sensor_gateway.model.writing.figures import counted
from sensor_gateway.publishing.fleet.fields import NOTHING, Fields, age_s, count, inner, number, printable, text, texts

BAD_ALARMS: Final = frozenset({"outbox_flash", "outbox_hot", "outbox_room", "stream_denied", "bus_hung"})
_LATE_INTERVALS: Final = 3
_LONG_WAIT_S: Final = 600.0
_SHORT_ROOM_S: Final = 86_400.0
_CLOCKS_APART_S: Final = 60.0


class Verdict(IntEnum):
    """How a gateway is, worst last; the number is the exit code of ``--check``."""

    WELL = 0
    DEGRADED = 1
    BAD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLine:
    """A gateway as it is shown. What is not known is None; times are RFC 3339 in UTC.

    ``heard`` is when it made its health message, ``age_s`` how long ago that was, by the clocks of both.
    """

    gateway: str
    verdict: Verdict
    state: Literal["online", "offline", "unknown"]
    since: str | None
    version: str | None
    sensors_ok: int | None
    sensors_total: int | None
    buffered: int | None
    lost: int | None
    clock: str | None
    oldest: str | None
    heard: str | None
    age_s: float | None
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The newest retained messages of one gateway. None: no such message; ``unreadable`` names those that are no JSON.

    ``sensors`` holds the availability topics by sensor.
    """

    status: Fields | None = None
    health: Fields | None = None
    meta: Fields | None = None
    sensors: Mapping[str, Fields]
    unreadable: tuple[str, ...] = ()


def gateway_line(gateway: str, heard: Heard, now: datetime) -> GatewayLine:
    """Judge what was heard of a gateway."""
    status, health = heard.status or NOTHING, heard.health or NOTHING
    state = _state(status)
    ok, total = _sensors(heard, is_online=state == "online")
    complaints = list(_complaints(heard, state, now))
    if total and state == "online" and _offline(heard) == total:
        whole = "its sensor is offline" if total == 1 else f"all its {total} sensors are offline"
        complaints.append((Verdict.BAD, f"nothing is measured: {whole}{_which(heard)}"))
    elif ok is not None and total is not None and ok < total and state == "online":
        complaints.append((Verdict.DEGRADED, f"{total - ok} of {total} sensors not online{_which(heard)}"))
    complaints.sort(key=lambda complaint: -complaint[0])
    return GatewayLine(
        gateway=gateway,
        verdict=max((verdict for verdict, _ in complaints), default=Verdict.WELL),
        state=state,
        since=text(status, "since"),
        version=text(status, "version") or text(health, "version"),
        sensors_ok=ok,
        sensors_total=total,
        buffered=count(health, "buffered"),
        lost=count(health, "lost_total"),
        clock=text(health, "clock"),
        oldest=text(health, "oldest"),
        heard=text(health, "time"),
        age_s=age_s(text(health, "time"), now),
        why=tuple(sentence for _, sentence in complaints),
    )


def unheard_line(gateway: str) -> GatewayLine:
    """One that should be there, and of which nothing was heard."""
    return GatewayLine(
        gateway=gateway,
        verdict=Verdict.BAD,
        state="unknown",
        since=None,
        version=None,
        sensors_ok=None,
        sensors_total=None,
        buffered=None,
        lost=None,
        clock=None,
        oldest=None,
        heard=None,
        age_s=None,
        why=("nothing was heard of it",),
    )


def worst_first(lines: list[GatewayLine]) -> list[GatewayLine]:
    """Sorted by verdict, then by name."""
    return sorted(lines, key=lambda line: (-line.verdict, line.gateway))


def _state(status: Fields) -> Literal["online", "offline", "unknown"]:
    found = status.get("state")
    if found == "online":
        return "online"
    return "offline" if found == "offline" else "unknown"


def _sensors(heard: Heard, *, is_online: bool) -> tuple[int | None, int | None]:
    """How many sensors are online, and how many there are; behind a gateway that is gone, none is."""
    known = inner(heard.meta or NOTHING, "sensors") if heard.meta is not None else None
    states = {name: fields for name, fields in heard.sensors.items() if known is None or name in known}
    counts = inner(heard.health or NOTHING, "sensor_counts")
    if states or known is not None:
        total = len(known) if known is not None else len(states)
        ok = sum(fields.get("state") == "online" for fields in states.values())
    elif counts:
        total = sum(count(counts, name) or 0 for name in counts)
        ok = count(counts, "online") or 0
    else:
        return None, None
    return ok if is_online else 0, total


def _offline(heard: Heard) -> int:
    """How many of its sensors are known to be offline; those that have just been started are not."""
    known = inner(heard.meta or NOTHING, "sensors") if heard.meta is not None else heard.sensors
    if heard.sensors:
        return sum(fields.get("state") == "offline" for name, fields in heard.sensors.items() if name in known)
    return count(inner(heard.health or NOTHING, "sensor_counts"), "offline") or 0


def _which(heard: Heard) -> str:
    known = inner(heard.meta or NOTHING, "sensors") or heard.sensors
    names = sorted(name for name, one in heard.sensors.items() if one.get("state") != "online" and name in known)
    return f" ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if names else ""


def _complaints(heard: Heard, state: str, now: datetime) -> Iterator[tuple[Verdict, str]]:
    for topic in heard.unreadable:
        yield Verdict.BAD, f"nobody can read its {topic}"
    if state == "offline":
        yield Verdict.BAD, "offline"
        return
    if state == "unknown" and "status" not in heard.unreadable:
        yield Verdict.BAD, "its status says neither online nor offline" if heard.status else "no status"
    if heard.health is not None:
        yield from _of_health(heard.health, now)
    elif "health" not in heard.unreadable:
        yield Verdict.DEGRADED, "no health message"


def _of_health(health: Fields, now: datetime) -> Iterator[tuple[Verdict, str]]:
    lost, waiting = count(health, "lost_total"), count(health, "buffered")
    if lost is None or waiting is None:
        yield Verdict.BAD, "its health does not say what is lost and what waits"
    if lost:
        yield Verdict.BAD, f"{counted(lost, 'event')} lost since its start"
    told = _told(health)
    for alarm in dict.fromkeys((*texts(health, "alarms"), *told)):
        verdict = Verdict.BAD if alarm in BAD_ALARMS else Verdict.DEGRADED
        for sentence in told.get(alarm, (f"alarm {alarm}",)):
            yield verdict, sentence
    interval_s, silent_s = number(health, "interval_s"), age_s(text(health, "time"), now)
    if interval_s is not None and silent_s is not None:
        if silent_s > _LATE_INTERVALS * interval_s:
            yield Verdict.DEGRADED, f"its health is {silent_s:.0f} s old"
        elif silent_s < -_CLOCKS_APART_S:
            yield Verdict.DEGRADED, f"its clock is {-silent_s:.0f} s ahead of ours"
    yield from _of_waiting(health, now)
    if text(health, "clock") == "unsynced":
        yield Verdict.DEGRADED, "clock not set"


def _told(health: Fields) -> Mapping[str, tuple[str, ...]]:
    """Alarms of which health holds more than their names, in sentences."""
    configuration = text(health, "configuration")
    buses = {printable(name): text(bus, "reason") for name, bus in _objects(inner(health, "buses"))}
    told = {
        "configuration": (configuration,) if configuration else (),
        "bus_silent": tuple(f"bus {name}: {reason}" for name, reason in buses.items() if reason),
    }
    return {alarm: sentences for alarm, sentences in told.items() if sentences}


def _objects(fields: Fields) -> list[tuple[str, Fields]]:
    return [(name, one) for name, one in fields.items() if isinstance(one, dict)]


def _of_waiting(health: Fields, now: datetime) -> Iterator[tuple[Verdict, str]]:
    waiting = count(health, "buffered")
    waits_s = age_s(text(health, "oldest"), now)
    if waiting and waits_s is not None and waits_s > _LONG_WAIT_S:
        yield Verdict.DEGRADED, f"events wait for {waits_s / 60:.0f} min"
    room_s = number(health, "full_in_s")
    if waiting and room_s is not None and room_s <= 0:
        yield Verdict.BAD, "no room is left on flash: what waits next is dropped"
    elif waiting and room_s is not None and room_s < _SHORT_ROOM_S:
        yield Verdict.DEGRADED, f"the room lasts {room_s / 3600:.1f} h"
