"""How the gateways of a fleet are printed: a table for people, an object a line for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sensor_gateway.model.writing.figures import counted, duration
from sensor_gateway.publishing.fleet.gateway_line import GatewayLine, Verdict

_HEAD = ("GATEWAY", "", "STATE", "SINCE", "VERSION", "SENSORS", "BUFFERED", "LOST", "CLOCK", "OLDEST", "AGE", "WHY")
_SECOND = len("2026-11-23T16:00:00")


def table(lines: Sequence[GatewayLine]) -> str:
    """One line for each gateway, below a head."""
    rows = [_HEAD, *map(_cells, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    )


def verdict_of(lines: Sequence[GatewayLine], shortage: str = "") -> Verdict:
    """That of the worst; bad, too, where there is none, or with a ``shortage``, which says that some are missing."""
    return Verdict.BAD if shortage else max((line.verdict for line in lines), default=Verdict.BAD)


def verdict_line(lines: Sequence[GatewayLine], shortage: str = "") -> str:
    """One line for all of them, for monitoring."""
    told = [shortage] if shortage else []
    if not lines:
        return "; ".join(["bad: no gateway has said anything below the prefix", *told])
    amiss = [f"{line.gateway}: {', '.join(line.why)}" for line in lines if line.verdict]
    count = f"{counted(len(lines), 'gateway')}, {len(lines) - len(amiss)} well"
    return "; ".join([f"{verdict_of(lines, shortage).name.lower()}: {count}", *told, *amiss])


def json_object(line: GatewayLine) -> str:
    """A gateway as one line of JSON."""
    return json.dumps(
        {
            "gateway": line.gateway,
            "verdict": line.verdict.name.lower(),
            "state": line.state,
            "since": line.since,
            "version": line.version,
            "sensors_ok": line.sensors_ok,
            "sensors_total": line.sensors_total,
            "buffered": line.buffered,
            "lost": line.lost,
            "clock": line.clock,
            "oldest": line.oldest,
            "heard": line.heard,
            "age_s": None if line.age_s is None else round(line.age_s, 1),
            "why": line.why,
        },
        ensure_ascii=False,
    )


def _cells(line: GatewayLine) -> tuple[str, ...]:
    sensors = "-" if line.sensors_total is None else f"{line.sensors_ok}/{line.sensors_total}"
    return (
        line.gateway,
        line.verdict.name.lower(),
        line.state,
        _moment(line.since),
        line.version or "-",
        sensors,
        _figure(line.buffered),
        _figure(line.lost),
        line.clock or "-",
        _moment(line.oldest),
        "-" if line.age_s is None else duration(max(line.age_s, 0.0)),
        "; ".join(line.why),
    )


def _moment(time: str | None) -> str:
    return "-" if time is None else time[:_SECOND].replace("T", " ")


def _figure(number: int | None) -> str:
    return "-" if number is None else str(number)
