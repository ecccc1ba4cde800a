"""The screen of ``status``: one sentence first, then a block for each part of the gateway. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from sensor_gateway.cli.running.verdict import Judged
from sensor_gateway.model.writing.figures import counted, duration, events
from sensor_gateway.publishing.fleet.fields import Fields, age_s, count, inner, number, printable, text, texts

_MARGIN: Final = 10
_LEAST_WIDTH: Final = 40
_LEAST_SENSORS: Final = 5
_ORDER: Final = ("offline", "degraded", "starting", "online")
_CLOCKS: Final = {
    "synced": "synced",
    "corrected": "corrected: it was set after this boot",
    "unsynced": "not set: no time server has answered, and the times of events say so",
}

_ENDINGS: Final = {
    "clean": "was stopped",
    "killed": "was killed: by a signal, for want of memory, or by the watchdog as the main thread stood still",
    "machine": "ended with the machine: a power cut, a reset, or a shutdown that did not wait for it",
    "crashed": "crashed",
    "hung": "hung, and ended itself",
    "watchdog": "stood still, and was ended by the watchdog",
}


def page(judged: Judged, health: Fields, *, width: int, height: int | None) -> list[str]:
    """The lines, none longer than ``width`` where words allow it. Sensors that are online give way to ``height``."""
    width = max(width, _LEAST_WIDTH)
    now = _moment(health)
    below = [*_buses(health, width), *_rest(health, now, width)]
    head = textwrap.wrap(judged.sentence, width)
    room = None if height is None else max(height - len(head) - len(below) - 3, _LEAST_SENSORS)
    return [*head, "", *_sensors(health, now, width, room), *below]


def _sensors(health: Fields, now: datetime | None, width: int, room: int | None) -> Iterator[str]:
    known = {printable(name): one for name, one in inner(health, "sensors").items() if isinstance(one, dict)}
    names = sorted(known, key=lambda name: (_rank(known[name]), name))
    rows = [(name, text(known[name], "state") or "?", _last_good(known[name], now)) for name in names]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    label, shown = "sensors", 0
    for number_of, (name, row) in enumerate(zip(names, rows, strict=True)):
        if room is not None and shown >= room and row[1] == "online":
            yield from _block(label, f"and {len(rows) - number_of} more that are online", width)
            return
        start = "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True))
        reason = "" if row[1] == "online" else text(known[name], "reason") or ""
        indent = sum(widths) + 6 if sum(widths) + _MARGIN + 30 < width else 4
        lines = list(_block(label, f"{start}  {reason}".rstrip(), width, indent=indent))
        shown += len(lines)
        label = ""
        yield from lines
    if not rows:
        yield from _block(label, "none: add one below `sensors:`; `sensor-gateway scan` finds what is connected", width)


def _buses(health: Fields, width: int) -> Iterator[str]:
    label = "buses"
    for name, one in sorted(inner(health, "buses").items()):
        bus = one if isinstance(one, dict) else {}
        facts = [text(bus, "reason") or text(bus, "state") or "?"]
        load, errors = number(bus, "load"), number(bus, "error_rate")
        facts += [] if load is None else [f"busy {load:.0%} of the time"]
        facts += [f"{errors:.0%} of transfers fail"] if errors else []
        for key, noun, told in (("missed", "deadline", "missed"), ("put_off", "event", "put off")):
            amount = count(bus, key)
            facts += [f"{counted(amount, noun)} {told}"] if amount else []
        facts += _recovery(inner(bus, "recovery"))
        yield from _block(label, f"{printable(name)}  {', '.join(facts)}", width)
        label = ""


def _recovery(recovery: Fields) -> list[str]:
    """What came of a recover command; nothing where there is none, or it never ran."""
    runs = count(recovery, "runs")
    if not runs:
        return []
    reason, failures = text(recovery, "reason"), count(recovery, "failures")
    words = f"recover command ran {counted(runs, 'time')}"
    words += f", {failures:,} of them in vain" if failures else ""
    return [f"{words} ({reason})" if reason else words]


def _rest(health: Fields, now: datetime | None, width: int) -> Iterator[str]:
    yield from _block("link", _link(health, now), width)
    yield from _block("outbox", _outbox(health, now), width)
    yield from _block("lost", _lost(health), width)
    clock = text(health, "clock") or "?"
    yield from _block("clock", _CLOCKS.get(clock, clock), width)
    yield from _block("alarms", ", ".join(texts(health, "alarms")) or "none", width)
    yield from _block("program", _program(health), width)
    before = _before(health)
    if before:
        yield from _block("before", before, width)


def _program(health: Fields) -> str:
    past = inner(health, "past")
    starts, this_boot = count(past, "starts"), count(past, "starts_this_boot")
    words = f"version {text(health, 'version') or '?'}, running for {duration(number(health, 'uptime_s') or 0.0)}"
    return (
        words if starts is None else f"{words}; start {starts:,}, {this_boot or 0:,} of them since the machine started"
    )


def _before(health: Fields) -> str:
    """How the life before this one ended; empty where nothing is known of it."""
    past = inner(health, "past")
    ended, reason, noted = text(past, "ended"), text(past, "reason"), text(past, "noted")
    if ended is None:
        return ""
    words = f"it {_ENDINGS.get(ended, ended)}{f' ({reason})' if reason else ''}"
    return words if noted is None else f"{words}; last note at {noted}"


def _link(health: Fields, now: datetime | None) -> str:
    link = inner(health, "link")
    since = _age(text(link, "since"), now)
    words = f"{text(link, 'state') or '?'}{'' if since is None else f' for {since}'}"
    protocol, reason, anew = text(link, "protocol"), text(link, "reason"), count(health, "reconnects")
    words += f", MQTT {protocol}" if protocol else ""
    words += f", reconnected {counted(anew, 'time')} since the start" if anew else ""
    if text(link, "state") != "connected":
        return words + (f" ({reason})" if reason else "")
    return words + (f": {reason}" if reason else "")


def _outbox(health: Fields, now: datetime | None) -> str:
    waiting = count(health, "buffered") or 0
    if not waiting:
        return "nothing waits"
    oldest, room_s = _age(text(health, "oldest"), now), number(health, "full_in_s")
    words = f"{events(waiting)} {'waits' if waiting == 1 else 'wait'}"
    words += f", the oldest for {oldest}" if oldest is not None else ""
    return words + (f"; by size, the room lasts {duration(room_s)}" if room_s is not None else "")


def _lost(health: Fields) -> str:
    lost = count(health, "lost_total") or 0
    if not lost:
        return "nothing since the start"
    causes = inner(health, "lost")
    named = [f"{number_of:,} by {printable(cause)}" for cause in causes if (number_of := count(causes, cause))]
    return f"{events(lost)} since the start: {', '.join(named)}"


def _block(label: str, words: str, width: int, *, indent: int = 2) -> Iterator[str]:
    """The words beside a label, and below each other where they are too long."""
    margin = " " * _MARGIN
    lines: Sequence[str] = textwrap.wrap(
        words,
        width,
        initial_indent=label.ljust(_MARGIN),
        subsequent_indent=margin + " " * indent,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )
    yield from lines


def _rank(sensor: Fields) -> int:
    state = text(sensor, "state")
    return _ORDER.index(state) if state in _ORDER else 0


def _last_good(sensor: Fields, now: datetime | None) -> str:
    age = _age(text(sensor, "last_good"), now)
    return "no good value yet" if age is None else f"good {age} ago"


def _age(time: str | None, now: datetime | None) -> str | None:
    seconds = None if now is None else age_s(time, now)
    return None if seconds is None else duration(max(seconds, 0.0))


def _moment(health: Fields) -> datetime | None:
    """When the gateway was examined, by its own clock, which the other times are of too."""
    try:
        return datetime.fromisoformat(text(health, "time") or "")
    except ValueError:
        return None
