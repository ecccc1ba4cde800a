"""Lives on a logged disk, cuts at any of its entries, and the judge of what a new start finds after each of them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from proving.block_log import Entry, image_after_cut, logged_disk, mounted, scratch
from proving.power_cuts_workload import LONGEST_STEP_S, Life, Silence, settings_of
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Gap, GapCause, Quality, Reason
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.outbox.tiers.clearance import CURSOR_EVERY_S
from sensor_gateway.simulation.virtual_clock import VirtualClock

Place: TypeAlias = tuple[Epoch, int]
"""Epoch and seq: a position that is quick to make."""

BOOTS = tuple(f"{number:08x}-2fa1-11d2-883f-0016d3cca427" for number in (1, 2, 3))
SLACK_S = 6 * LONGEST_STEP_S
"""What turns that come late may add to a promised time, and a segment that has to be made ready first."""
ROOM_S = 4 * LONGEST_STEP_S
"""What it may add where another segment has to be dropped before."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to run an outbox. ``is_limited``: so little room that the oldest are dropped all the time."""

    settings: dict[str, Any]
    has_hot: bool = True
    is_limited: bool = False
    safe_within_s: float = 5.0 + 5.0

    @property
    def longest_at_risk_s(self) -> float:
        """How long an event may be in memory alone, turns considered; syncs take no time here."""
        return self.safe_within_s + SLACK_S + (ROOM_S if self.is_limited else 0.0)


VARIANTS = {
    "spill": Variant(settings={"segment_size": 16384, "max_size": 2**23}),
    "always": Variant(
        settings={"segment_size": 16384, "max_size": 2**23, "durability": "always"}, safe_within_s=0.05 + 0.05
    ),
    "spill, small segments": Variant(settings={"segment_size": 4096, "max_size": 2**23}),
    "always, nothing in memory": Variant(
        settings={"segment_size": 8192, "max_size": 2**23}, has_hot=False, safe_within_s=0.05 + 0.05
    ),
    "drop_oldest": Variant(settings={"segment_size": 16384, "max_size": 4 * 16384}, is_limited=True),
}


@dataclass(frozen=True, slots=True)
class Report:
    """A line of the workload: ``count`` entries were on the disk when ``place`` was said, at ``at_s``."""

    kind: str
    place: Place
    last: int
    note: str
    mark: Place | None
    count: int
    at_s: float


@dataclass
class Promises:
    """What held at a cut: ``safe`` must be there unless ``acknowledged``; through ``passed`` nothing may come again.

    ``unsettled``: acknowledged before it was safe on flash, so that a later record can be there without it.
    """

    safe: set[Place] = field(default_factory=set)
    acknowledged: set[Place] = field(default_factory=set)
    unsettled: set[Place] = field(default_factory=set)
    dropped: set[Place] = field(default_factory=set)
    epochs: set[Epoch] = field(default_factory=set)
    passed: Place | None = None

    def take(self, report: Report) -> None:
        """Something was acknowledged, or dropped."""
        epoch, first = report.place
        for seq in range(first, report.last + 1):
            (self.dropped if report.kind == "D" else self.acknowledged).add((epoch, seq))
            if report.kind == "U":
                self.unsettled.add((epoch, seq))


@dataclass
class Recording:
    """Lives on one disk: what the disk was asked to do, and what was promised meanwhile, and before."""

    variant: Variant
    base: bytes
    entries: list[Entry]
    first_entry: int
    reports: list[Report] = field(repr=False)
    bodies: dict[Place, int] = field(repr=False)
    before: Promises = field(default_factory=Promises, repr=False)

    def longest_at_risk_s(self) -> float:
        """The longest time that any event was neither safe nor acknowledged, while no sync was under way."""
        taken_at = {report.place: report.at_s for report in self.reports if report.kind == "A"}
        waits = [
            report.at_s - taken_at[report.place] for report in self.reports if report.kind == "S" and report.place[1]
        ]
        return max(waits, default=0.0)


def record(variant: Variant, base: bytes, seed: int, flaw: str = "") -> Recording:
    """Let three lives pass on one disk; the last is killed by the cut, the others end as they may."""
    chance = random.Random(seed)
    ends = [*chance.sample(("killed", "stopped", "shut_down"), 2), "killed"]
    return _record(variant, base, seed, ends, boot=BOOTS[0], flaw=flaw)


def record_after_cut(recording: Recording, cut: int, seed: int) -> Recording:
    """Cut, and let another life pass on what is left. What was promised before stays promised."""
    image = image_after_cut(recording.base, recording.entries[:cut], random.Random(seed))
    second = _record(recording.variant, bytes(image), seed, ["killed"], boot=BOOTS[1])
    second.before = promises_at(recording, cut)
    second.first_entry = 1
    second.bodies |= recording.bodies
    return second


def _record(variant: Variant, base: bytes, seed: int, ends: Sequence[str], *, boot: str, flaw: str = "") -> Recording:
    chance = random.Random(seed)
    with scratch() as directory, logged_disk(base, directory) as disk:
        start = disk.sync()
        text = ""
        for number, end in enumerate(ends):
            life = Life(
                state=str(disk.mount / "state"),
                hot=str(directory / "hot") if variant.has_hot else None,
                log=str(disk.log),
                boot=boot,
                seed=seed * 10 + number,
                start_s=float(text.rsplit(maxsplit=1)[-1]) if text else 1000.0,
                steps=chance.randint(50, 160),
                end=end,
                settings=variant.settings,
                flaw=flaw,
            )
            text += _live(life)
        entries = disk.entries(disk.sync())
    reports = [*_parsed(text)]
    return Recording(variant, base, entries, start, reports, _bodies(reports))


def promises_at(recording: Recording, cut: int) -> Promises:
    """What was said with at most so many entries on the disk holds for a cut behind them."""
    promises = deepcopy(recording.before)
    taken: deque[Place] = deque()
    marks: list[tuple[float, Place | None]] = []
    for report in recording.reports:
        if report.kind == "A":
            taken.append(report.place)
        if report.count > cut:
            continue
        if report.kind == "A":
            promises.epochs.add(report.place[0])
        elif report.kind == "B":
            # Without a directory in memory, a kill takes what was in memory alone.
            taken = deque(place for place in taken if recording.variant.has_hot or place <= report.place)
        elif report.kind == "S":
            while taken and (not report.place[1] or taken[0] < report.place):
                promises.safe.add(taken.popleft())
            marks.append((report.at_s, report.mark))
        else:
            promises.take(report)
    promises.passed = _passed(marks) or promises.passed
    return promises


def faults_after_cut(recording: Recording, cut: int, chance: random.Random) -> list[str]:
    """Cut the power after so many entries, start again, and judge; gives what is wrong."""
    image = image_after_cut(recording.base, recording.entries[:cut], chance)
    with scratch() as directory:
        try:
            with mounted(image, directory) as mount:
                return _Start(recording, promises_at(recording, cut), mount).faults()
        except subprocess.CalledProcessError as error:
            return [f"{' '.join(error.cmd)}: {error.stderr.strip()}"]


def cuts_of(recording: Recording, count: int, chance: random.Random) -> Iterator[tuple[int, list[str]]]:
    """So many cuts anywhere in a recording, each with what is wrong after it."""
    for _ in range(count):
        cut = chance.randint(recording.first_entry, len(recording.entries))
        yield cut, faults_after_cut(recording, cut, random.Random(chance.random()))


class _Start:
    """The next start, on what a cut left: it takes in a few new events, and delivers everything."""

    def __init__(self, recording: Recording, promises: Promises, mount: Path) -> None:
        self._recording = recording
        self._promises = promises
        self._clock = VirtualClock(boot_s=5.0)
        disk = Disk()
        self._box = Outbox.open(
            state_directory=mount / "state",
            hot_directory=mount.parent / "new-hot" if recording.variant.has_hot else None,
            gateway="gw",
            settings=settings_of(recording.variant.settings),
            clock=self._clock,
            machine=Machine(boot_id=BOOTS[2], hardware_id="x"),
            log=Silence(),
            hands=Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False),
        )
        self._bodies = {**recording.bodies, (self._box.epoch, 1): 0}

    def faults(self) -> list[str]:
        try:
            found = self._epoch_faults()
            items = [*self._deliver()]
        finally:
            self._box.close(to_flash=False)
        found += chain(self._contents_faults(items), self._order_faults(items), self._promise_faults(items))
        if self._box.pending:
            found.append(f"{self._box.pending} still wait when everything is delivered")
        if self._box.alarms:
            found.append(f"alarms: {self._box.alarms}")
        return found

    def _deliver(self) -> Iterator[Stored | Gap]:
        for stored in self._box.append([_news(self._clock, number) for number in range(3)]):
            self._bodies[stored.position.epoch, stored.position.seq] = zlib.crc32(stored.body)
        while items := self._box.read(None, max_events=100, max_bytes=10**6):
            for item in items:
                yield item
                epoch, first, last = _extent(item)
                if last:
                    first_place = Position(epoch=epoch, seq=Seq(first))
                    self._box.acknowledge(first_place, Position(epoch=epoch, seq=Seq(last)))
            self._clock.advance(1.0)
            self._box.tend()
        for _ in range(4):
            self._clock.advance(11.0)
            self._box.tend()

    def _epoch_faults(self) -> list[str]:
        newest = max(self._promises.epochs, default=None)
        is_new = newest is None or self._box.epoch > newest
        return [] if is_new else [f"epoch {self._box.epoch} after {newest}"]

    def _contents_faults(self, items: Sequence[Stored | Gap]) -> Iterator[str]:
        for item in items:
            if isinstance(item, Stored):
                place = (item.position.epoch, int(item.position.seq))
                crc = self._bodies.get(place)
                if crc is None:
                    yield f"{_text(place)} was never taken in"
                elif crc and crc != zlib.crc32(item.body):
                    yield f"{_text(place)} is not what was taken in"

    def _order_faults(self, items: Sequence[Stored | Gap]) -> Iterator[str]:
        """In each epoch every seq is delivered or in a gap, once, in order; epochs come in order."""
        before: Place | None = None
        for item in items:
            epoch, first, last = _extent(item)
            if before is not None and epoch == before[0] and first != before[1] + 1:
                is_hole = first > before[1] + 1
                hole = {(epoch, seq) for seq in range(before[1] + 1, first)}
                if not is_hole or not hole <= self._promises.acknowledged:
                    yield f"{_text((epoch, first))} follows {_text(before)}"
            if before is not None and epoch < before[0]:
                yield f"{_text((epoch, first))} follows {_text(before)}"
            before = (epoch, last)

    def _promise_faults(self, items: Sequence[Stored | Gap]) -> Iterator[str]:
        promises = self._promises
        delivered = {place for item in items if isinstance(item, Stored) for place in _places(item)}
        limited = {
            place for item in items if isinstance(item, Gap) and item.cause is GapCause.LIMIT for place in _places(item)
        }
        gaps = {place for item in items if isinstance(item, Gap) for place in _places(item)}
        lost = promises.safe - promises.acknowledged - delivered
        if unannounced := lost - limited:
            yield f"{len(unannounced)} that were safe are gone: {_some(unannounced)}"
        if undropped := (lost & limited) - promises.dropped:
            yield f"{len(undropped)} that were never dropped are announced as dropped: {_some(undropped)}"
        if false := (gaps & promises.acknowledged) - limited - promises.unsettled:
            yield f"{len(false)} that were acknowledged are announced as lost: {_some(false)}"
        passed = promises.passed
        if passed is not None and (again := {place for place in delivered if place <= passed}):
            yield f"{len(again)} come again, long after they were acknowledged: {_some(again)}"


def _bodies(reports: Iterable[Report]) -> dict[Place, int]:
    bodies: dict[Place, int] = {}
    for report in reports:
        if report.kind == "A":
            assert report.place not in bodies, f"{_text(report.place)} was given out twice"
            bodies[report.place] = int(report.note)
    return bodies


def _live(life: Life) -> str:
    command = [sys.executable, "-m", "proving.power_cuts_workload", json.dumps(asdict(life))]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.returncode == (-9 if life.end == "killed" else 0), f"{life}\n{done.stderr}"
    return done.stdout


def _parsed(text: str) -> Iterator[Report]:
    epochs: dict[str, Epoch] = {}
    for line in text.splitlines():
        kind, epoch, seq, *rest, count, at = line.split()
        for name in (epoch, rest[0]):
            if name not in epochs and "-" in name[1:]:
                epochs[name] = Epoch.parse(name)
        place = (epochs.get(epoch, Epoch(ordinal=0, random=0)), int(seq))
        report = Report(kind, place, 0, rest[0], None, int(count), float(at))
        if kind == "S" and rest[0] in epochs:
            report = replace(report, mark=(epochs[rest[0]], int(rest[1])))
        elif kind in "KUD":
            report = replace(report, last=int(rest[0]))
        yield report


def _passed(marks: Sequence[tuple[float, Place | None]]) -> Place | None:
    """The mark that held throughout the last 10 s of tending: the cursor on the disk is there, or further."""
    if not marks:
        return None
    until = marks[-1][0] - CURSOR_EVERY_S - SLACK_S
    before = [mark for at, mark in marks if at <= until]
    recent = [mark for at, mark in marks if at > until]
    lowest = [mark for mark in (*before[-1:], *recent) if mark is not None]
    return min(lowest) if before and len(lowest) == len(before[-1:]) + len(recent) else None


def _extent(item: Stored | Gap) -> tuple[Epoch, int, int]:
    if isinstance(item, Stored):
        return item.position.epoch, item.position.seq, item.position.seq
    return item.epoch, item.from_seq or 0, item.to_seq or 0


def _places(item: Stored | Gap) -> Iterator[Place]:
    epoch, first, last = _extent(item)
    return ((epoch, seq) for seq in range(first, last + 1))


def _news(clock: VirtualClock, number: int) -> ChangeEvent:
    channel = Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=1)
    source = Source(sensor="after-the-cut", channel=channel)
    stamp = clock.stamp()
    return ChangeEvent(
        source=source, value=float(number), quality=Quality.GOOD, reason=Reason.CHANGE, code=None, stamp=stamp
    )


def _text(place: Place) -> str:
    return f"{place[0]}:{place[1]}"


def _some(places: Iterable[Place]) -> str:
    ordered = sorted(places)
    return ", ".join(map(_text, (ordered[0], ordered[-1])))
