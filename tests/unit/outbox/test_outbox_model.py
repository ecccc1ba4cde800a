"""The outbox against a list: whatever happens in whichever order, each event is delivered or announced as missing."""

from __future__ import annotations

import shutil
import tempfile
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sensor_gateway.model.event import Gap
from sensor_gateway.model.position import Position
from sensor_gateway.outbox.settings import WhenFull
from sensor_gateway.outbox.stored import Stored


class OutboxMachine(RuleBasedStateMachine):
    """``limits`` are small in one variant, so that events are dropped all the time."""

    make_site: ClassVar[Any]
    limits: ClassVar[dict[str, Any]] = {"hot_cap": 2**22, "max_size": 2**22}
    is_limited: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="outbox-model-"))
        self.site = self.make_site(self.root)
        self.stored: dict[Position, bytes] = {}
        self.delivered: set[Position] = set()
        self.announced: set[Position] = set()
        self.acknowledged: set[Position] = set()
        self.lost_to_power: set[Position] = set()
        self.in_flight: list[Stored | Gap] = []
        self.after: Position | None = None
        self.may_be_silent: set[Position] = set()
        self.open()

    def open(self) -> None:
        self.box = self.site.open(**self.limits)
        self.in_flight, self.after = [], None

    def see(self, item: Stored | Gap) -> None:
        if isinstance(item, Stored):
            known = self.stored.setdefault(item.position, item.body)
            assert known == item.body, "a position has two contents"
            assert self.after is None or item.position > self.after, "out of order"
            assert item.position not in self.lost_to_power
            self.delivered.add(item.position)
            self.after = item.position
        elif item.from_seq is not None and item.to_seq is not None:
            for seq in range(item.from_seq, item.to_seq + 1):
                place = Position(epoch=item.epoch, seq=seq)  # type: ignore[arg-type]
                assert place not in self.acknowledged or self.was_restarted, "a gap over what is acknowledged"
                self.announced.add(place)
            assert self.is_limited, f"a gap where nothing was dropped: {item}"
            self.after = Position(epoch=item.epoch, seq=item.to_seq)  # type: ignore[arg-type]

    was_restarted = False

    @rule(count=st.sampled_from([1, 2, 6, 40]), source=st.integers(0, 2))
    def append(self, count: int, source: int) -> None:
        for item in self.box.append(self.site.news(count, source)):
            assert item.position not in self.stored
            self.stored[item.position] = item.body

    @rule(events=st.integers(1, 9), size=st.sampled_from([1, 500, 100_000]))
    def read(self, events: int, size: int) -> None:
        items = self.box.read(self.after, max_events=events, max_bytes=size)
        for item in items:
            self.see(item)
            if isinstance(item, Stored) and not self.was_restarted:
                assert item.position not in self.acknowledged
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

    def acknowledge(self, items: list[Stored | Gap]) -> None:
        self.site.acknowledge(items)
        self.acknowledged |= {item.position for item in items if isinstance(item, Stored)}

    @rule()
    def lose_connection(self) -> None:
        self.in_flight, self.after = [], None

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 11.0]))
    def pass_time(self, seconds: float) -> None:
        self.site.clock.advance(seconds)
        self.box.tend()

    @rule()
    def tend_often(self) -> None:
        for _ in range(4):
            self.box.tend()

    @rule()
    def kill(self) -> None:
        self.site.kill()
        self.was_restarted = True
        self.open()

    @rule(to_flash=st.booleans())
    def stop_and_start(self, *, to_flash: bool) -> None:
        self.box.close(to_flash=to_flash)
        self.site.kill()
        self.was_restarted = True
        self.open()

    @rule(is_meant=st.sampled_from([False, False, False, True]))
    def cut_power(self, *, is_meant: bool) -> None:
        if not is_meant:
            return
        tail = [
            Position(epoch=record.epoch, seq=seq)  # type: ignore[arg-type]
            for record in self.box._tiers._tail
            for seq in range(record.first_seq, record.last_seq + 1)
        ]
        cold = self.box._opened.tiers._shelf.last
        self.lost_to_power |= {place for place in tail if cold is None or place > cold}
        for drop in self.box._opened.recovered.drops:
            # What was dropped from memory is announced only if the cursor could be written since.
            places = (Position(epoch=drop.epoch, seq=seq) for seq in range(drop.first, drop.last + 1))  # type: ignore[arg-type]
            self.may_be_silent |= set(places)
        self.site.cut_power()
        self.was_restarted = True
        self.open()

    @invariant()
    def alarms_are_off(self) -> None:
        assert self.box.alarms == () or self.is_limited

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            self.site.kill()
            shutil.rmtree(self.root)

    def finish(self) -> None:
        self.lose_connection()
        for _ in range(10_000):
            items = self.box.read(self.after, max_events=50, max_bytes=10**6)
            if not items:
                break
            for item in items:
                self.see(item)
            self.site.acknowledge(items)
            self.box.tend()
        for _ in range(4):
            self.site.clock.advance(11)
            self.box.tend()
        assert self.box.pending == 0
        assert self.box._opened.tiers._shelf.segments == []
        missing = set(self.stored) - self.delivered - self.announced - self.lost_to_power - self.may_be_silent
        assert not missing, f"neither delivered nor announced: {sorted(missing)[:5]}"
        self.check_counters()

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


@pytest.mark.parametrize("machine", [OutboxMachine, OutboxDropsOldest, OutboxDropsNewest])
def test_each_event_is_delivered_or_announced_whatever_happens(machine: Any, new_site: Any) -> None:
    machine.make_site = staticmethod(new_site)
    case = machine.TestCase
    case.settings = settings(
        max_examples=35,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()
