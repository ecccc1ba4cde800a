"""Lives through a month of virtual time, or through a storm of faults, and tells as JSON what has grown.

::

    PYTHONPATH=tests/proofs .venv/bin/python -m proving.endurance.run month --days 30
    PYTHONPATH=tests/proofs .venv/bin/python -m proving.endurance.run storm --faults 10000

In the month each day has an hour without a broker, cut connections, a broker that refuses for a while, a bus that is
unplugged, and sensors that fail by the second of their transactions. ``--leak`` plants one, which has to be found.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proving.endurance.census import Census
from proving.endurance.house import House
from sensor_gateway.publishing.publisher import Publisher
from sensor_gateway.publishing.session import Session

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
MONTH_RSS = 1 << 20
"""Memory that may be more after the month than after its first day: fragments of the allocator."""

MINUTE_RSS = 8 << 20
"""And more than after its first minute, in which nothing has failed yet and nothing was spilled."""

STORM_RSS = 2 << 20
"""The same after a storm, in which thousands of threads of the harness came and went."""

_REFUSALS = 0.1
_UP_S, _DOWN_S = 15.0, 10.0
"""Long enough that a cut is not taken for somebody else with our client id."""

_EVERY: dict[str, int] = {"attic": 7, "cellar": 11, "eaves": 5}


def scenario(days: int) -> str:
    """Failing transactions all the time, and each day a bus without its devices for ten minutes."""
    kinds = {"attic": "nack", "cellar": "crc", "eaves": "nack"}
    lines = [f"- {{sensor: {name}, kind: {kinds[name]}, every: {every}}}" for name, every in _EVERY.items()]
    lines += ["- {sensor: hall, kind: silence, every: 9}"]
    lines += [
        f"- {{bus: {bus}, kind: unplug, from: {day * 24 + hour}h, for: 10min}}"
        for day in range(days)
        for hour, bus in ((9, "other"), (15, "rs485"))
    ]
    return "faults:\n" + "\n".join(lines) + "\n"


def month(folder: Path, days: int) -> dict[str, Any]:
    """Live through so many days, and compare the end with the first minute and the first day."""
    house = House(folder, scenario=scenario(days), interval="2min")
    house.live(60)
    minute = Census.take()
    house.every(HOUR_S, lambda: house.cut(by_reset=bool(house.events % 2)))
    for day in range(days):
        begin_s = day * DAY_S
        for hour, call in (
            (3.2, _set(house, refusals=0.5)),
            (3.4, _set(house, refusals=0.0)),
            (6.2, _set(house, is_open=False)),
            (6.2, lambda: house.cut(by_reset=False)),
            (7.2, _set(house, is_open=True)),
        ):
            house.later(begin_s + hour * HOUR_S, call)
    house.live(DAY_S - 60)
    first = Census.take()
    for _ in range(days - 1):
        house.live(DAY_S)
    last = Census.take()
    return {
        "grown": last.grown(first, rss=MONTH_RSS),
        "grown since the first minute": _memory(last, minute, MINUTE_RSS),
        **_figures(house, minute, first, last),
    }


def storm(folder: Path, faults: int) -> dict[str, Any]:
    """Live through so many faults, and compare the end with a time when a few of each had been."""
    house = House(folder, scenario=scenario(1), interval="1s", retry_max="1s")
    house.live(30)
    house.refusals = _REFUSALS
    house.every(_UP_S + _DOWN_S, lambda: _fall(house))
    censuses = []
    for part in (10, 2, 1):
        while house.fault_count < faults // part:
            house.live(10)
        house.refusals = 0.0
        while not house.is_connected or house.gateway.outbox.pending:
            house.live(1)
        censuses.append(Census.take())
        house.refusals = _REFUSALS
    first, _, last = censuses
    return {"grown": last.grown(first, rss=STORM_RSS), **_figures(house, *censuses)}


def _fall(house: House) -> None:
    """The broker goes, by the one way or the other, and refuses whoever comes for a while."""
    house.is_open = False
    house.cut(by_reset=bool(house.events % 2))
    house.later(_DOWN_S, _set(house, is_open=True))


def _set(house: House, **facts: object) -> Callable[[], None]:
    def call() -> None:
        for name, fact in facts.items():
            setattr(house, name, fact)

    return call


def _memory(last: Census, minute: Census, most: int) -> list[str]:
    more = last.rss - minute.rss
    return [f"{more / 1024:+.0f} kB of memory"] if more > most else []


def _figures(house: House, *censuses: Census) -> dict[str, Any]:
    figures = {
        "rss MB": [round(census.rss / 1e6, 2) for census in censuses],
        "objects": [sum(count for _, count in census.objects) for census in censuses],
        "blocks": [census.blocks for census in censuses],
        "descriptors": [census.descriptors for census in censuses],
        "threads": [census.threads for census in censuses],
        "virtual days": round((house.clock.monotonic() - 1000) / DAY_S, 2),
        "events": house.events,
        "connections": house.broker.connections,
        "faults": {**house.faults, "measurements": house.fault_count - sum(house.faults.values())},
        "waiting": house.gateway.outbox.pending,
        "log": dict(house.log.counts),
        "cpu s": round(time.process_time(), 1),
    }
    house.close()
    return figures


KEPT: list[Any] = []


def leak_objects() -> None:
    """Each turn of the publisher leaves something behind, every tenth time."""
    sound = Publisher.step

    def step(self: Publisher, wait_s: float = 0.0) -> float:
        if self.progress % 10 == 0:
            KEPT.append([self.progress])
        return sound(self, wait_s)

    Publisher.step = step  # type: ignore[method-assign]


def leak_entries() -> None:
    """Each turn of the publisher is remembered by its number."""
    sound = Publisher.step
    remembered: dict[int, int] = {}
    KEPT.append(remembered)

    def step(self: Publisher, wait_s: float = 0.0) -> float:
        remembered[self.progress] = 1
        return sound(self, wait_s)

    Publisher.step = step  # type: ignore[method-assign]


def leak_descriptors() -> None:
    """Each session keeps a copy of its socket open."""
    sound = Session.__init__

    def init(self: Session, *given: Any, **more: Any) -> None:
        sound(self, *given, **more)
        KEPT.append(os.dup(self.descriptor))

    Session.__init__ = init  # type: ignore[method-assign]


def leak_threads() -> None:
    """Each session leaves a thread behind that waits for ever."""
    sound = Session.__init__

    def init(self: Session, *given: Any, **more: Any) -> None:
        sound(self, *given, **more)
        if len(KEPT) < 100:
            KEPT.append(threading.Thread(target=threading.Event().wait, daemon=True))
            KEPT[-1].start()

    Session.__init__ = init  # type: ignore[method-assign]


LEAKS = {
    "objects": leak_objects,
    "entries": leak_entries,
    "descriptors": leak_descriptors,
    "threads": leak_threads,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", choices=["month", "storm"])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--faults", type=int, default=10_000)
    parser.add_argument("--leak", choices=sorted(LEAKS))
    given = parser.parse_args()
    if given.leak:
        LEAKS[given.leak]()
    shared = Path("/dev/shm")  # noqa: S108 - memory, so that no card is worn by a proof; ours alone below it
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        found = month(Path(folder), given.days) if given.what == "month" else storm(Path(folder), given.faults)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
