"""What is lost when there is no room: by policy, counted, and announced in its place."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.outbox.settings import Durability, OutboxSettings, WhenFull

TINY: dict[str, Any] = {"segment_size": 4096, "max_size": 4 * 4096, "hot_cap": 8192, "hot_slack": 2048}
NEWEST: dict[str, Any] = {**TINY, "when_full": WhenFull.DROP_NEWEST}


def values(items: list[Any]) -> list[float]:
    facts = [json.loads(item.body) for item in items if not isinstance(item, Gap)]
    return [fact["value"] for fact in facts if fact["type"] == "value"]


def gaps(items: list[Any]) -> list[Gap]:
    return [item for item in items if isinstance(item, Gap)]


def fill(site: Any, rounds: int, count: int = 10) -> list[Any]:
    stored = []
    for _ in range(rounds):
        stored += site.box.append(site.news(count))
        site.offline(6, step_s=3)
        site.box.tend()
        site.box.tend()
    return stored


def size_on_flash(site: Any) -> int:
    return sum(path.stat().st_size for path in site.flash.glob("*.*") if path.suffix in {".seg", ".free"})


def test_max_size_below_four_segments_is_a_fault() -> None:
    with pytest.raises(OperatorError, match="four segments"):
        OutboxSettings(max_size=2_000_000)  # type: ignore[arg-type]


def test_drop_oldest_loses_whole_segments_and_announces_them_in_their_place(site: Any) -> None:
    site.open(**TINY)
    stored = fill(site, 100)
    assert size_on_flash(site) <= TINY["max_size"]
    assert site.box.counters.dropped > 0
    found = site.drain()
    assert isinstance(found[0], Gap)
    (gap,) = gaps(found)
    assert gap.cause is GapCause.LIMIT
    assert gap.from_wall_ms is not None
    assert gap.to_wall_ms is not None
    assert gap.from_wall_ms < gap.to_wall_ms < site.clock.stamp().wall_ms
    assert gap.from_seq == 1
    assert gap.count == gap.to_seq == site.box.counters.dropped
    assert values(found) == [float(item.position.seq - 1) for item in stored if item.position.seq > gap.to_seq]


def test_a_drop_is_announced_after_a_power_cut_too(site: Any) -> None:
    site.open(**TINY)
    fill(site, 100)
    dropped = site.box.counters.dropped
    site.cut_power()
    site.open(**TINY)
    found = site.drain()
    (gap,) = gaps(found)
    assert (gap.count, gap.cause) == (dropped, GapCause.LIMIT)


def test_a_segment_is_not_dropped_before_the_cursor_that_tells_of_it_is_safe(slow_site: Any) -> None:
    site = slow_site
    site.syncer.is_held = False
    site.open(**TINY)
    site.drain()
    while len(list(site.flash.glob("*.seg"))) < 4:
        site.box.append(site.news(10))
        site.offline(6, step_s=3)
    oldest = min(site.flash.glob("*.seg"))
    item = site.box.read(None, max_events=1, max_bytes=10**6)[0]
    site.box.acknowledge(item.position, item.position)
    site.offline(11, step_s=11)
    site.box.acknowledge(item.position, item.position)
    site.syncer.is_held = True
    following = site.box.read(None, max_events=1, max_bytes=10**6)[0]
    site.box.acknowledge(following.position, following.position)
    site.offline(11, step_s=11)
    assert [job.name for job in site.syncer.jobs] == ["cursor"]
    for _ in range(40):
        site.box.append(site.news(2))
        site.clock.advance(0.3)
        site.box._tiers._spill(site.box._intake._now, site.clock.monotonic())
    site.box._tiers._parts.clearance.drop_oldest(GapCause.LIMIT)
    site.syncer.let_through()
    site.box.tend()
    assert oldest.exists(), "the sync that was under way did not tell of the drop"
    for _ in range(4):
        site.syncer.let_through()
        site.offline(1)
    assert not oldest.exists()


def test_what_was_announced_and_acknowledged_is_forgotten(site: Any) -> None:
    site.open(**TINY)
    fill(site, 100)
    assert site.box._opened.recovered.drops
    site.drain()
    site.offline(30)
    site.box.append(site.news(1))
    site.offline(30)
    assert list(site.box._opened.recovered.drops) == []


def test_events_in_flight_are_not_announced_as_lost(site: Any) -> None:
    site.open(**TINY)
    fill(site, 10)
    in_flight = site.box.read(None, max_events=20, max_bytes=10**6)
    last = in_flight[-1].position
    fill(site, 100)
    following = site.box.read(last, max_events=5, max_bytes=10**6)
    assert isinstance(following[0], Gap)
    assert following[0].from_seq == last.seq + 1
    site.acknowledge([*following, *in_flight])
    assert site.box.acknowledged_through == following[-1].position


def test_late_acknowledgements_of_what_was_dropped_are_ignored(site: Any) -> None:
    site.open(**TINY)
    stored = fill(site, 100)
    site.acknowledge(stored[:5])
    found = site.drain()
    assert gaps(found)[0].from_seq == 1
    assert all(gap.count == gap.to_seq - gap.from_seq + 1 for gap in gaps(found))
    site.acknowledge(stored[:5])
    assert site.box.pending == 0


def test_what_is_acknowledged_out_of_order_is_left_out_of_a_gap(site: Any) -> None:
    site.open(**TINY)
    stored = fill(site, 2)
    site.acknowledge(stored[3:6])
    fill(site, 100)
    found = site.drain()
    assert [(gap.from_seq, gap.to_seq) for gap in gaps(found)[:2]] == [(1, 4), (8, gaps(found)[1].to_seq)]


def test_a_gap_has_the_same_place_each_time_it_is_read(site: Any) -> None:
    site.open(**TINY)
    fill(site, 100)
    once = site.box.read(None, max_events=3, max_bytes=10**6)
    assert site.box.read(None, max_events=3, max_bytes=10**6) == once


def test_max_age_drops_segments_and_says_age(site: Any) -> None:
    site.open(**TINY, max_age_s=3600.0)
    fill(site, 10)
    site.clock.advance(4000)
    site.offline(30)
    site.box.append(site.news(2))
    found = site.drain()
    assert {gap.cause for gap in gaps(found)} == {GapCause.AGE}
    assert values(found) == [101.0, 102.0]


def test_a_backlog_that_fits_into_one_segment_outlives_max_age_while_new_events_join_it(site: Any) -> None:
    site.open(max_age_s=60.0)
    for _ in range(20):
        site.box.append(site.news(1))
        site.offline(30, step_s=5)
    assert site.box.counters.dropped == 0
    assert len(list(site.flash.glob("*.seg"))) == 1
    site.offline(90, step_s=5)
    assert site.box.counters.dropped == site.box.counters.appended


def test_max_age_in_memory_drops_event_by_event(site: Any) -> None:
    site.open(max_age_s=60.0, durability=Durability.MEMORY)
    for _ in range(5):
        site.box.append(site.news(1))
        site.offline(20, step_s=5)
    assert site.box.counters.dropped == 3  # the epoch's beginning, and what is 100 and 80 seconds old


def test_max_age_after_a_reboot_goes_by_wall_clock(site: Any) -> None:
    site.open(**TINY, max_age_s=3600.0)
    fill(site, 10)
    site.cut_power()
    site.clock.jump_wall(4000)
    site.open(**TINY, max_age_s=3600.0)
    site.offline(30)
    assert values(site.drain()) == []


def test_keep_free_stops_growth_and_never_deletes(site: Any) -> None:
    site.open(**TINY, keep_free=1_000_000)
    fill(site, 5)
    before = sorted(path.name for path in site.flash.glob("*.seg"))
    site.disk.free = 1_000_000
    fill(site, 60)
    assert sorted(path.name for path in site.flash.glob("*.seg"))[: len(before)] == before
    assert "outbox_room" in site.box.alarms
    found = site.drain()
    assert values(found)[:40] == [float(number) for number in range(1, 41)]
    assert {gap.cause for gap in gaps(found)} == {GapCause.MEMORY}
    assert values(found)[-1] == 650.0
    site.disk.free = 10**9
    fill(site, 1)
    site.drain()
    site.offline(30)
    assert site.box.alarms == ()


FULL: dict[str, dict[str, Any]] = {
    "drop newest": {"when_full": WhenFull.DROP_NEWEST},
    "drop oldest": {"when_full": WhenFull.DROP_OLDEST},
    "keep free": {"keep_free": 1, "max_size": 2**20},
}


def turns_in(site: Any, seconds: float) -> int:
    """How often the outbox wants a turn, when it gets each one when it wants it."""
    end_s = site.clock.monotonic() + seconds
    turns = 0
    while turns < 1000 and site.clock.monotonic() < end_s:
        wait_s = site.box.tend()
        turns += 1
        site.clock.advance(seconds if wait_s is None else wait_s)
    return turns


@pytest.mark.parametrize("durability", [Durability.SPILL, Durability.ALWAYS])
@pytest.mark.parametrize("how", FULL)
def test_no_turn_is_wanted_over_and_over_while_there_is_no_room(site: Any, how: str, durability: Durability) -> None:
    site.open(**{**TINY, **FULL[how], "durability": durability})
    fill(site, 5)
    site.disk.free = 0 if how == "keep free" else 10**12
    fill(site, 45)
    site.clock.advance(20)
    assert site.box.pending > 40
    assert ("outbox_room" in site.box.alarms) == (how != "drop oldest")
    assert turns_in(site, 10) <= 15


@pytest.mark.parametrize("durability", [Durability.SPILL, Durability.ALWAYS])
@pytest.mark.parametrize("how", ["drop newest", "keep free"])
def test_that_there_is_no_room_is_said_once_and_that_there_is_again_once(
    site: Any, how: str, durability: Durability
) -> None:
    """Whatever memory still has room for: the alarm is about flash."""

    def told() -> list[str]:
        return [name for name in site.log.names() if name.startswith("outbox_room")]

    site.open(**{**TINY, **FULL[how], "durability": durability, "hot_cap": 1 << 20})
    fill(site, 5)
    site.disk.free = 0 if how == "keep free" else 10**12
    fill(site, 60)
    site.offline(100)
    assert site.box._tiers._parts.limits._tail.size * 2 < 1 << 20, "there is plenty of room in memory"
    assert (told(), "outbox_room" in site.box.alarms) == (["outbox_room_failed"], True)
    site.disk.free = 10**12
    site.drain()
    site.box.append(site.news(1))
    site.offline(60)
    assert (told(), site.box.alarms) == (["outbox_room_failed", "outbox_room_recovered"], ())


def test_drop_newest_refuses_and_keeps_the_newest_of_each_channel(site: Any) -> None:
    site.open(**NEWEST)
    stored = fill(site, 100)
    accepted = len(stored)
    assert site.box.append(site.news(1, source=1)) == []
    newest = [site.number]
    assert site.box.append(site.news(1, source=0)) == []
    newest.append(site.number)
    found = site.drain()
    assert gaps(found) == []
    assert values(found) == [float(number) for number in range(1, accepted + 1)]
    again = site.box.append(site.news(1, source=2))
    assert [item.event.value for item in again] == [float(number) for number in (*newest, site.number)]
    assert [item.position.seq for item in again] == [accepted + 2, accepted + 3, accepted + 4]
    found = site.drain()
    (gap,) = gaps(found)
    assert (gap.from_seq, gap.to_seq, gap.before_seq, gap.cause) == (None, None, accepted + 2, GapCause.LIMIT)
    assert gap.count == site.number - accepted - 3 == site.box.counters.refused
    assert found[0] is gap


def test_a_refused_event_takes_no_seq_and_its_gap_survives_a_restart(site: Any) -> None:
    site.open(**NEWEST)
    fill(site, 100)
    site.drain()
    site.box.append(site.news(1))
    site.offline(12)
    site.cut_power()
    site.open(**NEWEST)
    found = site.drain()
    (gap,) = gaps(found)
    assert gap.before_seq is not None
    assert gap.count > 1


def test_drop_newest_delivers_all_that_was_accepted_in_order(site: Any) -> None:
    site.open(**NEWEST)
    accepted: list[Any] = []
    found: list[Any] = []
    for _ in range(40):
        accepted += site.box.append(site.news(8))
        site.offline(6, step_s=3)
    found += site.drain()
    for _ in range(5):
        accepted += site.box.append(site.news(8))
        found += site.drain()
    positions = [item.position for item in found if not isinstance(item, Gap)]
    assert positions[1:] == [item.position for item in accepted]
    counted = sum(gap.count for gap in gaps(found))
    assert counted + len(accepted) == site.number


def test_an_event_too_long_for_a_record_is_counted_and_announced(site: Any, new_site: Callable[[Path], Any]) -> None:
    site.open(**TINY)
    long = site.news(1)[0]
    wide = type(long.source)(sensor="x" * 3000, channel=long.source.channel)
    event = type(long)(source=wide, value=1.0, quality=long.quality, reason=long.reason, code=None, stamp=long.stamp)
    assert len(site.box.append([*site.news(1), event, *site.news(1)])) == 2
    found = site.drain()
    assert [gap.count for gap in gaps(found)] == [1]
    assert values(found) == [2.0, 3.0]


def test_full_memory_spills_early_instead_of_dropping(site: Any) -> None:
    site.open(**{**TINY, "max_size": 1_000_000})
    for _ in range(50):
        site.box.append(site.news(4))
        site.box.tend()
    assert site.box.counters.dropped == 0
    assert list(site.flash.glob("*.seg"))
    assert len(values(site.drain())) == 200


def test_dead_flash_makes_memory_a_ring_with_an_alarm_and_polling_goes_on(site: Any) -> None:
    site.open(**TINY)
    site.drain()
    site.disk.rule = lambda call, path: errno.ENOSPC if "state" in path and call == "write_at" else None
    fill(site, 100)
    assert "outbox_flash" in site.box.alarms
    assert site.log.names().count("outbox_flash_failed") == 1
    assert site.box._tiers._tail.size <= TINY["hot_cap"]
    found = site.drain()
    assert {gap.cause for gap in gaps(found)} == {GapCause.MEMORY}
    assert sum(gap.count for gap in gaps(found)) + len(values(found)) == 1000
    assert values(found)[-1] == 1000.0


@pytest.mark.parametrize("has_hot", [True, False])
def test_what_is_delivered_leaves_a_full_card_although_new_events_find_no_room_there(
    site: Any, *, has_hot: bool
) -> None:
    """Else a card that this outbox filled would stay full for ever."""
    site.has_hot = has_hot
    site.open(**{**TINY, "max_size": 1 << 20})
    fill(site, 10)
    before = [*site.flash.glob("*.seg")]
    site.disk.rule = lambda call, path: errno.ENOSPC if call == "write_at" and path.endswith(".seg") else None
    fill(site, 5)
    for _ in range(100):
        site.acknowledge(site.box.read(None, max_events=20, max_bytes=10**6))
        site.box.append(site.news(1))
        site.offline(1)
    assert len(before) > 1
    assert len([path for path in before if path.exists()]) <= (not has_hot), "the newest one may stay to be written on"


def test_what_is_in_the_ring_survives_a_kill_through_hot(site: Any) -> None:
    site.open(**TINY)
    site.disk.rule = lambda call, path: errno.EROFS if "state" in path and call == "write_at" else None
    fill(site, 100)
    kept = site.box._tiers._tail.count
    site.kill()
    site.open(**TINY)
    assert len(values(site.drain())) >= kept


def test_what_the_ring_dropped_is_told_after_a_kill_as_before_it(site: Any) -> None:
    site.open(**TINY)
    site.drain()
    site.disk.rule = lambda call, path: errno.EROFS if "state" in path and call == "write_at" else None
    fill(site, 100)
    site.kill()
    site.open(**TINY)
    found = site.drain()
    assert {gap.cause for gap in gaps(found)} == {GapCause.MEMORY}
    assert sum(gap.count for gap in gaps(found)) + len(values(found)) == 1000


def test_the_end_of_an_epoch_that_the_ring_dropped_is_told_after_a_kill(site: Any) -> None:
    """The first event of the next epoch, which names that end, went the same way."""
    site.open(**TINY)
    site.drain()
    site.disk.rule = lambda call, path: errno.EROFS if "state" in path and call == "write_at" else None
    fill(site, 2)
    site.kill()
    with (site.hot / "hot.log").open("ab") as journal:
        journal.write(b"torn")
    box = site.open(**TINY)
    first, second = box._opened._parts.tail.first.epoch, box._intake.epoch
    assert first < second
    fill(site, 100)
    assert site.box._opened._parts.tail.first.first_seq > 1
    site.kill()
    site.open(**TINY)
    found = site.drain()
    lost = {epoch: sum(gap.count for gap in gaps(found) if gap.epoch == epoch) for epoch in (first, second)}
    assert lost[first] == 20
    assert lost[second] + len(values(found)) == 1001, "the first event of the epoch went as well"


def test_flash_that_comes_back_is_used_again_without_help(site: Any) -> None:
    site.open(**TINY)
    site.drain()
    site.disk.rule = lambda call, path: errno.ENOSPC if "state" in path and call == "write_at" else None
    fill(site, 5)
    site.disk.heal()
    site.offline(70)
    assert site.box.alarms == ()
    assert site.log.names().count("outbox_flash_recovered") == 1
    site.cut_power()
    site.open(**TINY)
    assert values(site.drain())[-1] == 50.0


def test_memory_mode_is_bounded_too(site: Any) -> None:
    site.open(**TINY, durability=Durability.MEMORY)
    for _ in range(50):
        site.box.append(site.news(10))
        site.box.tend()
    assert site.box._tiers._tail.size <= TINY["hot_cap"]
    found = site.drain()
    assert sum(gap.count for gap in gaps(found)) + len(values(found)) in {500, 501}


def test_hot_is_never_much_larger_than_what_it_keeps(site: Any) -> None:
    site.open(**TINY)
    for _ in range(300):
        site.box.append(site.news(3))
        site.drain()
        site.box.tend()
        assert (site.hot / "hot.log").stat().st_size <= TINY["hot_slack"] + 8192


def test_pending_counts_what_is_not_acknowledged(site: Any) -> None:
    site.open()
    site.drain()
    assert site.box.pending == 0
    stored = fill(site, 10)
    assert site.box.pending == 100
    site.acknowledge(stored[5:10])
    assert site.box.pending == 95
    site.box.append(site.news(3))
    assert site.box.pending == 98
    site.acknowledge(stored[:5])
    assert site.box.pending == 93
    site.box.tend()
    site.kill()
    site.open()
    assert site.box.pending == 93
    site.drain()
    assert site.box.pending == 0


def test_pending_is_exact_after_restarts_in_one_segment_over_many_epochs(site: Any) -> None:
    """A segment outlives many epochs where each event goes to flash; what was acknowledged in it waits for nobody."""
    site.has_hot = False
    for _ in range(4):
        site.open(durability=Durability.ALWAYS)
        site.drain()
        for _ in range(3):
            site.box.append(site.news(5))
            site.clock.advance(1)
            site.box.tend()
        site.drain()
        site.box.tend()
        site.box.close(to_flash=False)
    site.open(durability=Durability.ALWAYS)
    assert site.box.pending == 1, "the first event of the new epoch"
    stored = site.box.append(site.news(7))
    site.acknowledge(stored[2:4])
    site.box.tend()
    site.box.close(to_flash=False)
    site.open(durability=Durability.ALWAYS)
    waiting = sum(1 for item in site.box.read(None, max_events=1000, max_bytes=10**6))
    assert site.box.pending == waiting


def test_what_is_held_is_not_forgotten_because_something_shorter_found_room(site: Any) -> None:
    site.open(**NEWEST)
    site.sources[1] = replace(site.sources[1], sensor="a-sensor-with-a-name-that-is-quite-long-" * 20)
    site.disk.fail("open", "state")
    while site.box.append(site.news(1, source=1)):
        pass
    held = site.number
    news = [*site.news(1, source=1), *site.news(1, source=0)]
    site.box.append(news)
    site.disk.heal()
    site.offline(60, step_s=5)
    again = site.box.append(site.news(1, source=2))
    assert [item.event.value for item in again] == [float(held + 1), float(held + 2), float(held + 3)]
    found = site.drain()
    assert sum(gap.count for gap in gaps(found)) == 1
    assert len(values(found)) == site.number - 1


def test_what_is_held_is_not_forgotten_because_a_stray_was_taken_in(site: Any) -> None:
    site.open(**NEWEST)
    site.box.append(site.news(1))
    site.kill()
    site.disk.rule = lambda call, path: errno.EMFILE if call == "open" and path.endswith(("hot.log", "seg")) else None
    site.open(**NEWEST)
    while site.box.append(site.news(1, source=1)):
        pass
    held = site.number
    site.drain()
    site.disk.heal()
    site.offline(60, step_s=5)
    again = site.box.append(site.news(1, source=2))
    assert [item.event.value for item in again] == [float(held), float(held + 1)]
