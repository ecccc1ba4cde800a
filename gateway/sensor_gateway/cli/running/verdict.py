"""Whether a gateway that was asked is well, in one sentence. Pure.

The rules are those of a fleet, and what only the gateway itself can know: that it has no connection, and that its
publisher does not answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sensor_gateway.model.writing.figures import duration
from sensor_gateway.publishing.fleet.fields import Fields, age_s, count, inner, printable, text, texts
from sensor_gateway.publishing.fleet.gateway_line import Heard, Verdict, gateway_line

_ONLINE: Final[Fields] = {"state": "online"}
_REFUSED: Final = "broker_refused"
"""What is said of the connection says more than the name of this alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How it is, and why; the worst first. ``well`` is what is said of one that is well."""

    gateway: str
    verdict: Verdict
    why: tuple[str, ...]
    well: str

    @property
    def line(self) -> str:
        """One line for programs and people."""
        return f"{self.verdict.name.lower()}: {'; '.join(self.why) or self.well}"

    @property
    def sentence(self) -> str:
        """One sentence for people."""
        return f"{self.gateway} is {self.verdict.name.lower()}: {'; '.join(self.why) or self.well}"


def verdict_of(answer: Fields, now: datetime) -> Judged:
    """Judge the answer to a status request."""
    health = inner(answer, "health")
    gateway = text(health, "gateway") or "the gateway"
    sensors = {printable(name): one for name, one in inner(health, "sensors").items() if isinstance(one, dict)}
    rest = {**health, "alarms": [name for name in texts(health, "alarms") if name != _REFUSED]}
    line = gateway_line(gateway, Heard(status=_ONLINE, health=rest, sensors=sensors), now)
    own = list(_complaints(answer, health, now))
    if not line.sensors_total and line.sensors_total is not None:
        own.append((Verdict.DEGRADED, "no sensors yet: add one below `sensors:`"))
    bad = [sentence for verdict, sentence in own if verdict is Verdict.BAD]
    mild = [sentence for verdict, sentence in own if verdict is not Verdict.BAD]
    return Judged(
        gateway=gateway,
        verdict=max(line.verdict, *(verdict for verdict, _ in own), Verdict.WELL),
        why=(*bad, *line.why, *mild),
        well=_well(health, line.sensors_total, now),
    )


def _complaints(answer: Fields, health: Fields, now: datetime) -> Iterator[tuple[Verdict, str]]:
    if answer.get("is_fresh") is False:
        silent_s = age_s(text(health, "time"), now)
        since = "" if silent_s is None else f": all this is {duration(max(silent_s, 0))} old"
        yield Verdict.BAD, f"its publisher does not answer{since}"
    link = inner(health, "link")
    if link.get("state") != "connected":
        lasts_s = age_s(text(link, "since"), now)
        lasting = "" if lasts_s is None else f" for {duration(max(lasts_s, 0))}"
        reason = text(link, "reason")
        yield Verdict.DEGRADED, f"no connection to the broker{lasting}{f' ({reason})' if reason else ''}"


def _well(health: Fields, sensors: int | None, now: datetime) -> str:
    lasts_s = age_s(text(inner(health, "link"), "since"), now)
    connected = "connected" if lasts_s is None else f"connected for {duration(max(lasts_s, 0))}"
    waiting = count(health, "buffered")
    waits = "nothing waits" if not waiting else f"{waiting:,} on the way"
    if sensors == 1:
        return f"its sensor is online, {connected}, {waits}"
    return f"all {sensors or 0} sensors online, {connected}, {waits}"
