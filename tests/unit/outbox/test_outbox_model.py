"""The outbox against a list: whatever happens in whichever order, each event is delivered or announced as missing."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sensor_gateway.model.event import Gap
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.files import hot as hot_file
from sensor_gateway.outbox.files import record as record_file
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.hot import HotJournal
from sensor_gateway.outbox.files.segment_writer import SegmentWriter
from sensor_gateway.outbox.marks import Marks
from sensor_gateway.outbox.reader import Reader
from sensor_gateway.outbox.recovery import Recovery
from sensor_gateway.outbox.settings import Durability, WhenFull
from sensor_gateway.outbox.stored import Stored

IS_DEEP = settings.get_current_profile_name() == "deep"
EXAMPLES = 1000 if IS_DEEP else 14
"""``--hypothesis-profile=deep`` tries more, by chance, and makes short what it finds; else each run tries the same."""

FAILING = {
    errno.ENOSPC: {"write", "write_at", "make_directory"},
    errno.EROFS: {"write", "write_at", "replace", "unlink", "make_directory"},
    errno.EIO: {"open", "read_at", "write", "write_at", "sync_data", "sync", "replace", "unlink"},
}


class OutboxMachine(RuleBasedStateMachine):
    """Judges every event by its position and by its value, which is a number that no other event has.

    ``limits`` are small in some variants, so that events are dropped all the time. ``excused``: what a power cut,
    or damage, may take without a word where nothing of its epoch comes after it.
    """

    make_site: ClassVar[Any]
    make_syncer: ClassVar[Any]
    limits: ClassVar[dict[str, Any]] = {"hot_cap": 2**22, "max_size": 2**22}
    is_limited: ClassVar[bool] = False
    is_troubled: ClassVar[bool] = False
    has_hot: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="outbox-model-"))
        self.site = self.make_site(self.root)
        self.site.has_hot = self.has_hot
        self.stored: dict[Position, bytes] = {}
        self.acknowledged: set[Position] = set()
        self.announced: set[Position] = set()
        self.excused: set[Position] = set()
        self.harmed: set[Position] = set()
        self.is_cursor_harmed = self.is_segment_harmed = self.is_hot_harmed = self.was_restarted = False
        self.refused_told = 0
        self.in_flight: list[Stored | Gap] = []
        self.after: Position | None = None
        self.open()

    def open(self) -> None:
        self.syncer = self.site.syncer = self.make_syncer(self.site.disk)
        self.syncer.is_held = False
        self.box = self.site.open(**self.limits)
        self.in_flight, self.after = [], None
        self.is_hot_harmed = False
        self.lately: set[Position] = set()

    def see(self, item: Stored | Gap) -> None:
        if isinstance(item, Stored):
            known = self.stored.setdefault(item.position, item.body)
            assert known == item.body, "a position has two contents"
            assert self.after is None or item.position > self.after, "out of order"
            self.after = item.position
        elif item.from_seq is not None and item.to_seq is not None:
            places = {Position(epoch=item.epoch, seq=Seq(seq)) for seq in range(item.from_seq, item.to_seq + 1)}
            assert self.was_restarted or not places & self.acknowledged, "a gap over what is acknowledged"
            surprising = places - self.acknowledged - self.excused - self.harmed
            assert self.is_limited or self.is_segment_harmed or not surprising, (
                f"a gap where nothing was dropped: {item}"
            )
            self.after = Position(epoch=item.epoch, seq=Seq(item.to_seq))
        else:
            self.refused_told += item.count

    @rule(count=st.sampled_from([1, 2, 6, 40]), source=st.integers(0, 2))
    def append(self, count: int, source: int) -> None:
        for item in self.box.append(self.site.news(count, source)):
            assert item.position not in self.stored, "a position is given out twice"
            self.stored[item.position] = item.body

    @rule(events=st.integers(1, 9), size=st.sampled_from([1, 500, 100_000]))
    def read(self, events: int, size: int) -> None:
        items = self.box.read(self.after, max_events=events, max_bytes=size)
        for item in items:
            if isinstance(item, Stored) and not self.was_restarted:
                assert item.position not in self.acknowledged
            self.see(item)
        for item, following in zip_longest(items, items[1:]):
            if isinstance(item, Gap) and item.before_seq is not None:
                assert isinstance(following, Stored), "a gap of refused events without the event it stands before"
                assert following.position.seq == item.before_seq
        self.in_flight += items

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def acknowledge_some(self, data: st.DataObject) -> None:
        some = data.draw(st.lists(st.sampled_from(range(len(self.in_flight))), unique=True, max_size=6))
        self.acknowledge([self.in_flight[index] for index in some])
        self.in_flight = [item for index, item in enumerate(self.in_flight) if index not in some]

    @precondition(lambda self: self.in_flight)
    @rule()
    def acknowledge_all(self) -> None:
        self.acknowledge(self.in_flight)
        self.in_flight = []

    @precondition(lambda self: len(self.in_flight) > 1)
    @rule(data=st.data())
    def refuse_one_and_begin_at_the_lowest(self, data: st.DataObject) -> None:
        """All others in flight are answered; then reading goes on at what was refused."""
        refused = self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))
        self.acknowledge(self.in_flight)
        self.in_flight, self.after = [], None
        items = self.box.read(None, max_events=1, max_bytes=1)
        if isinstance(refused, Stored) and not self.is_troubled and not self.is_limited:
            assert items, "what was refused is not given again"
            assert isinstance(items[0], Stored)
            assert items[0].position <= refused.position

    def acknowledge(self, items: list[Stored | Gap]) -> None:
        self.site.acknowledge(items)
        for item in items:
            if isinstance(item, Stored):
                self.acknowledged.add(item.position)
                self.lately.add(item.position)
            elif item.from_seq is not None and item.to_seq is not None:
                seqs = range(item.from_seq, item.to_seq + 1)
                self.announced |= {Position(epoch=item.epoch, seq=Seq(seq)) for seq in seqs}

    @rule()
    def lose_connection(self) -> None:
        self.in_flight, self.after = [], None

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 11.0, 31.0]))
    def pass_time(self, seconds: float) -> None:
        self.site.clock.advance(seconds)
        self.box.tend()

    @rule(seconds=st.sampled_from([-86_400, -3600, 3600, 86_400]))
    def set_the_wall_clock(self, seconds: int) -> None:
        self.site.clock.jump_wall(seconds)

    @rule()
    def tend_often(self) -> None:
        for _ in range(4):
            self.box.tend()

    @rule(is_held=st.booleans())
    def card_takes_its_time(self, *, is_held: bool) -> None:
        self.syncer.is_held = is_held
        if not is_held:
            self.syncer.let_through()

    @rule()
    def kill(self) -> None:
        self.excused |= self.only_in_memory()
        self.reopen()

    @rule(to_flash=st.booleans())
    def stop_and_start(self, *, to_flash: bool) -> None:
        self.box.close(to_flash=to_flash)
        self.excused |= self.only_in_memory()
        self.reopen()

    @rule(is_meant=st.sampled_from([False, False, False, True]))
    def cut_power(self, *, is_meant: bool) -> None:
        if is_meant:
            self.excused |= self.in_tail() | self.dropped()
            self.site.cut_power()
            self.reopen()

    def reopen(self) -> None:
        self.site.kill()
        self.was_restarted = True
        self.open()

    def in_tail(self) -> set[Position]:
        return {
            Position(epoch=record.epoch, seq=Seq(seq))
            for record in self.box._tiers._tail
            for seq in range(record.first_seq, record.last_seq + 1)
        }

    def only_in_memory(self) -> set[Position]:
        """What the end of the process takes: nothing, where the hot journal is whole."""
        if self.is_segment_harmed:
            # A segment that was deleted while it was written took what was written to it later, too.
            return set(self.stored) - in_files(self.site)
        if self.box._opened._parts.cold.cursor.is_syncing:
            self.excused |= self.dropped()
        if self.has_hot and self.box._tiers._hot is not None and not self.is_hot_harmed and not self.hot_has_failed():
            return set()
        return (self.in_tail() - in_files(self.site)) | self.dropped()

    def hot_has_failed(self) -> bool:
        return "outbox_hot" in self.box.alarms

    def dropped(self) -> set[Position]:
        """What was dropped from memory is announced only if the cursor could be written since."""
        return {
            Position(epoch=drop.epoch, seq=Seq(seq))
            for drop in self.box._opened.recovered.drops
            for seq in range(drop.first, drop.last + 1)
        }

    @invariant()
    def alarms_are_off(self) -> None:
        assert self.box.alarms == () or self.is_limited or self.is_troubled

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            self.site.disk.heal()
            self.site.kill()
            shutil.rmtree(self.root)

    def finish(self) -> None:
        self.mend()
        self.append(1, 0)  # what is missing at the end is announced before what comes next.
        self.drain()
        if self.is_troubled:
            self.kill()
            self.append(1, 0)
            self.drain()
        assert self.box.pending == 0
        assert len(self.box._opened.tiers._shelf.segments) <= (self.limits.get("durability") is Durability.ALWAYS)
        assert self.box.alarms == ()
        self.check_events()
        self.check_counters()

    def mend(self) -> None:
        self.site.disk.heal()
        self.syncer.is_held = False
        self.syncer.let_through()
        for _ in range(3):
            self.site.clock.advance(31)
            self.box.tend()

    def drain(self) -> None:
        self.lose_connection()
        for _ in range(10_000):
            items = self.box.read(self.after, max_events=50, max_bytes=10**6)
            if not items:
                break
            for item in items:
                self.see(item)
            self.acknowledge(items)
            self.box.tend()
        for _ in range(4):
            self.site.clock.advance(11)
            self.box.tend()

    def check_events(self) -> None:
        """Each stored event arrived, under this id or another, or was announced; and no epoch has a silent hole."""
        arrived = {value_of(self.stored[place]) for place in self.acknowledged} - {None}
        done = self.acknowledged | self.announced
        done |= {place for place, body in self.stored.items() if value_of(body) in arrived}
        stored = {place for place, body in self.stored.items() if value_of(body) is not None or not self.is_troubled}
        missing = stored - done - self.excused - self.harmed
        assert not missing, f"neither delivered nor announced: {sorted(missing)[:5]}"
        may_be_silent = self.harmed | self.excused if self.is_cursor_harmed else set()
        for epoch, last in self.ends(self.lately).items():
            holes = {Position(epoch=epoch, seq=Seq(seq)) for seq in range(1, last + 1)} - done - may_be_silent
            assert not holes, f"a silent hole: {sorted(holes)[:5]}"

    def ends(self, arrived: set[Position]) -> dict[Epoch, int]:
        """Through where each epoch has to be complete: its last event that arrived, or the end that the next names.

        An epoch of which a deleted segment held everything is told of by that name alone.
        """
        ends: dict[Epoch, int] = {}
        for place in sorted(arrived):
            ends[place.epoch] = max(ends.get(place.epoch, 0), place.seq)
            fields = json.loads(self.stored[place]) if place.seq == 1 else {}
            if fields.get("previous_last_seq"):
                before = Epoch.parse(fields["previous"])
                if before in ends or not self.is_segment_harmed:
                    ends[before] = max(ends.get(before, 0), fields["previous_last_seq"])
        return ends

    def check_counters(self) -> None:
        """Nothing is dropped and nothing refused where there is room for all."""
        assert (self.box.counters.dropped, self.box.counters.refused) == (0, 0)


class OutboxDropsOldest(OutboxMachine):
    is_limited = True
    limits: ClassVar[dict[str, Any]] = {
        "segment_size": 4096,
        "max_size": 4 * 4096,
        "hot_cap": 6000,
        "hot_slack": 1000,
        "max_age_s": 40.0,
    }

    def check_counters(self) -> None:
        assert self.box.counters.refused == 0


class OutboxDropsNewest(OutboxMachine):
    is_limited = True
    limits: ClassVar[dict[str, Any]] = {
        "segment_size": 4096,
        "max_size": 4 * 4096,
        "hot_cap": 6000,
        "hot_slack": 1000,
        "when_full": WhenFull.DROP_NEWEST,
    }

    def check_counters(self) -> None:
        assert self.box.counters.dropped == 0
        if not self.was_restarted:
            self.append(1, 0)
            self.drain()
            values = {value_of(body) for body in self.stored.values()} - {None}
            assert self.site.number - len(values) == self.refused_told == self.box.counters.refused


class OutboxAlways(OutboxMachine):
    limits: ClassVar[dict[str, Any]] = {**OutboxMachine.limits, "durability": Durability.ALWAYS}
    has_hot = False


class OutboxMemory(OutboxMachine):
    limits: ClassVar[dict[str, Any]] = {**OutboxMachine.limits, "durability": Durability.MEMORY}


class OutboxInTrouble(OutboxMachine):
    """Disks fill up and fail, syncs fail, and files go while they are in use."""

    is_troubled = True
    limits: ClassVar[dict[str, Any]] = {"segment_size": 4096, "max_size": 2**22, "hot_cap": 2**22}

    @rule(places=st.sampled_from([("hot",), ("state",), ("hot", "state")]), code=st.sampled_from([*FAILING]))
    def fail(self, places: tuple[str, ...], code: int) -> None:
        starts = tuple(str(self.root / place) for place in places)
        self.site.disk.rule = lambda call, path: code if call in FAILING[code] and path.startswith(starts) else None

    @rule(number=st.integers(1, 12), code=st.sampled_from([*FAILING]))
    def fail_once(self, number: int, code: int) -> None:
        self.site.disk.fail_at(number, code, lasting=False)

    @rule()
    def fail_the_syncs(self) -> None:
        """What is on its way to the card at this moment does not arrive there."""
        for is_held in (False, True):
            self.card_takes_its_time(is_held=is_held)
            self.append(2, 0)
            for _ in range(3):
                self.site.clock.advance(6)
                self.box.tend()
        self.syncer.let_through(OSError(errno.EIO, os.strerror(errno.EIO)))
        self.syncer.is_held = False

    @rule()
    def heal(self) -> None:
        self.site.disk.heal()

    @rule(is_emptied=st.booleans())
    def take_the_cursor(self, *, is_emptied: bool) -> None:
        if take(self.site.flash / "cursor-mqtt", is_emptied=is_emptied):
            self.is_cursor_harmed = True

    @rule(is_emptied=st.booleans())
    def take_the_hot_journal(self, *, is_emptied: bool) -> None:
        self.harmed |= in_hot(self.site.hot / "hot.log") - self.in_tail()
        self.is_hot_harmed |= take(self.site.hot / "hot.log", is_emptied=is_emptied)

    @rule(data=st.data())
    def take_a_segment(self, data: st.DataObject) -> None:
        segments = sorted(self.site.flash.glob("*.seg"))
        if segments:
            segment = data.draw(st.sampled_from(segments))
            self.harmed |= in_segment(segment)
            self.is_segment_harmed = True
            take(segment, is_emptied=data.draw(st.booleans()))

    @rule(data=st.data())
    def kill_and_flip_a_byte_in_hot(self, data: st.DataObject) -> None:
        journal = self.site.hot / "hot.log"
        content = bytearray(journal.read_bytes()) if journal.exists() else bytearray()
        if content:
            self.harmed |= in_hot(journal) - self.in_tail()
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1
            journal.write_bytes(content)
            self.is_hot_harmed = True
        self.kill()

    def hot_has_failed(self) -> bool:
        return super().hot_has_failed() or not self.box._tiers.is_hot

    def check_counters(self) -> None:
        """Anything may have found no room."""


def take(path: Path, *, is_emptied: bool) -> bool:
    """Delete a file that is in use, or make it empty; False where there is none."""
    if not path.exists():
        return False
    if is_emptied:
        os.truncate(path, 0)
    else:
        path.unlink()
    return True


def in_segment(path: Path) -> set[Position]:
    data = path.read_bytes()
    found = record_file.scan(data, generation=int(path.stem))
    return {
        Position(epoch=header.epoch, seq=Seq(seq))
        for header, _, _ in found
        for seq in range(header.first_seq, header.last_seq + 1)
    }


def in_files(site: Any) -> set[Position]:
    """Every position that can be read from the files as they are."""
    found: set[Position] = set()
    for path in site.flash.glob("*.seg"):
        found |= in_segment(path)
    return found | in_hot(site.hot / "hot.log")


def in_hot(path: Path) -> set[Position]:
    records = hot_file.read_hot(Disk(), path).records
    return {
        Position(epoch=record.epoch, seq=Seq(seq))
        for record in records
        for seq in range(record.first_seq, record.last_seq + 1)
    }


def value_of(body: bytes) -> float | None:
    fields = json.loads(body)
    return fields["value"] if fields["type"] == "value" else None


MACHINES = [OutboxMachine, OutboxDropsOldest, OutboxDropsNewest, OutboxAlways, OutboxMemory, OutboxInTrouble]


def put_through(machine: type[OutboxMachine], site: Any, syncer: Any, **changes: Any) -> None:
    machine.make_site = staticmethod(site)
    machine.make_syncer = staticmethod(syncer)
    case = machine.TestCase
    phases = [*Phase] if IS_DEEP else [Phase.generate]
    chance = {"max_examples": EXAMPLES, "derandomize": not IS_DEEP, "database": None, "phases": phases}
    facts = {"stateful_step_count": 40, "deadline": None, **chance, **changes}
    case.settings = settings(suppress_health_check=list(HealthCheck), **facts)
    case().runTest()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("machine", MACHINES)
def test_each_event_is_delivered_or_announced_whatever_happens(machine: Any, new_site: Any, new_syncer: Any) -> None:
    put_through(machine, new_site, new_syncer)


BROKEN: dict[str, tuple[type[OutboxMachine], Callable[[pytest.MonkeyPatch], None]]] = {}


def breaks(machine: type[OutboxMachine]) -> Callable[[Any], Any]:
    def note(rule: Callable[[pytest.MonkeyPatch], None]) -> Callable[[pytest.MonkeyPatch], None]:
        BROKEN[rule.__name__.replace("_", " ")] = machine, rule
        return rule

    return note


@breaks(OutboxInTrouble)
def records_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = record_file.header_at

    def header_at(data: bytes, at: int, *, generation: int) -> Any:
        length = int.from_bytes(data[at + 12 : at + 16], "little")
        covered = data[at + 8 : at + record_file.HEADER_SIZE + length]
        crc = record_file.zlib.crc32(covered, record_file._SEED).to_bytes(4, "little")
        return checked(data[:at] + data[at : at + 4] + crc + data[at + 8 :], at, generation=generation)

    monkeypatch.setattr(record_file, "header_at", header_at)


@breaks(OutboxMachine)
def one_more_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    acknowledge = Marks.acknowledge
    monkeypatch.setattr(
        Marks, "acknowledge", lambda self, epoch, first, last: acknowledge(self, epoch, first, last + 1)
    )


@breaks(OutboxMachine)
def hot_is_trimmed_of_what_is_not_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = HotJournal.begin
    monkeypatch.setattr(HotJournal, "begin", lambda self, header, records, *rest: begin(self, header, [], *rest))


@breaks(OutboxInTrouble)
def a_failed_sync_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def flushed(self: SegmentWriter, error: OSError | None) -> Any:
        last = self._flushing[-1].last if self._flushing else None
        judged(self, error)
        return last

    judged = SegmentWriter.flushed
    monkeypatch.setattr(SegmentWriter, "flushed", flushed)


@breaks(OutboxDropsOldest)
def what_was_dropped_is_not_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "_gaps", lambda self, epoch, first, last, otherwise: [])


@breaks(OutboxMachine)
def an_epoch_goes_on_without_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Recovery._border

    def border(self: Recovery, previous: Any, on_flash: Any, *, is_proof: bool) -> Any:
        known = judged(self, previous, on_flash, is_proof=is_proof)
        last = self.shelf.last
        return replace(known, next_seq=known.next_seq or (last.seq if last else 1) + 1, may_go_on=True)

    monkeypatch.setattr(Recovery, "_border", border)


@pytest.mark.parametrize("rule", BROKEN)
def test_an_outbox_without_one_of_the_rules_is_found_out(
    monkeypatch: pytest.MonkeyPatch, new_site: Any, new_syncer: Any, rule: str
) -> None:
    machine, breaking = BROKEN[rule]
    breaking(monkeypatch)
    with pytest.raises((AssertionError, json.JSONDecodeError)):
        put_through(machine, new_site, new_syncer, derandomize=True, phases=[Phase.generate])
