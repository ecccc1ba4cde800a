"""What an operator discards: announced, all of it or none, and nothing that came later."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proving.purged import free_too_early, objection, values

from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.drops import DROPS_KEPT, Drop, Drops
from sensor_gateway.outbox.files.cursor import CursorState, decode_slot, encode_slot
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.purge_request import GOOD_FOR_MS, PurgeRequest, read_request, requests_in, write_request
from sensor_gateway.outbox.settings import Durability
from sensor_gateway.outbox.tiers.purge import LOOK_EVERY_S

SMALL: dict[str, Any] = {"segment_size": 4096, "max_size": 40 * 4096}
WAITING = [float(number) for number in range(1, 91)]
"""What ``fill`` leaves."""


def now_of(site: Any) -> Moment:
    stamp = site.clock.stamp()
    boot = int(site.boot_id[:8], 16)
    return Moment(boot=boot, uptime_ms=stamp.uptime_ms, wall_ms=stamp.wall_ms, is_unsynced=False)


def ask(site: Any, through: Position, *, asked: Moment | None = None, nonce: str = "5eed") -> Path:
    request = PurgeRequest(
        nonce=f"{nonce}{site.number}", through=through, asked=asked or now_of(site), by="ann (uid 1000)"
    )
    return write_request(site.disk, site.flash, request)


def waiting_requests(site: Any) -> list[Path]:
    return requests_in(site.disk, site.flash)


def tend_until_done(site: Any) -> None:
    site.clock.advance(LOOK_EVERY_S)
    for _ in range(200):
        site.box.tend()
        if not waiting_requests(site):
            site.box.tend()
            return
    raise AssertionError("the purge does not end")


def fill(site: Any, rounds: int = 8) -> list[Any]:
    """Several segments on flash, and the newest ten in memory alone."""
    stored = []
    for _ in range(rounds):
        stored += site.box.append(site.news(10))
        site.offline(6, step_s=3)
    return stored + site.box.append(site.news(10))


def gaps(items: list[Any]) -> list[Gap]:
    return [item for item in items if isinstance(item, Gap)]


def test_what_waits_goes_and_what_came_after_the_question_stays(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    assert len(site.box._opened._parts.cold.shelf.segments) > 1
    file = ask(site, stored[-1].position)
    later = site.box.append(site.news(3))
    tend_until_done(site)
    assert not file.exists()
    assert site.box.counters.dropped == 91  # the first event of the epoch is one of them
    found = site.drain()
    (gap,) = gaps(found)
    assert found[0] == gap
    assert (gap.from_seq, gap.to_seq, gap.count, gap.cause) == (1, 91, 91, GapCause.PURGE)
    assert gap.from_wall_ms is not None
    assert gap.to_wall_ms is not None
    assert gap.from_wall_ms < gap.to_wall_ms
    assert [item.body for item in found[1:]] == [item.body for item in later]
    assert site.box.pending == 0
    (facts,) = [facts for name, facts in site.log.lines if name == "outbox_purged"]
    assert (facts["events"], facts["asked_by"]) == (91, "ann (uid 1000)")


def test_flash_is_given_back_and_the_gap_is_told_even_where_nothing_follows(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    ask(site, stored[-1].position)
    tend_until_done(site)
    assert list(site.flash.glob("*.seg")) == []
    assert [gap.cause for gap in gaps(site.drain())] == [GapCause.PURGE]
    assert site.box.pending == 0


def test_nothing_waits_in_a_purged_segment_that_stays_to_be_written_on(site: Any) -> None:
    """One too many was counted until the gap was acknowledged."""
    site.has_hot = False
    site.open(**SMALL, durability=Durability.ALWAYS)
    stored = fill(site)
    site.offline(6)
    ask(site, stored[-1].position)
    tend_until_done(site)
    assert len(site.box._opened._parts.cold.shelf.segments) == 1
    assert site.box.pending == 0
    later = site.box.append(site.news(3))
    assert site.box.pending == 3
    site.offline(6)
    assert site.box.pending == 3
    site.acknowledge(later[1:])
    assert site.box.pending == 1
    site.kill()
    site.open(**SMALL, durability=Durability.ALWAYS)
    assert site.box.pending == 4, "all three again, as nothing but the process knew of the two, and a new epoch's first"
    site.drain()
    assert site.box.pending == 0


@pytest.mark.parametrize("spill_after_s", [2, 1000])
def test_what_is_purged_of_a_record_in_memory_waits_neither_there_nor_on_flash(site: Any, spill_after_s: int) -> None:
    site.open(segment_size=65536, max_size=2**20, spill_after_s=spill_after_s)
    site.drain()
    site.clock.advance(LOOK_EVERY_S)
    stored = site.box.append(site.news(10))
    assert site.box._tiers._tail.first.last_seq == stored[-1].position.seq, "they are one record"
    site.acknowledge(stored[2:4] + stored[7:8])
    assert site.box.pending == 7
    ask(site, stored[4].position)
    site.box.tend()
    site.box.tend()
    assert (site.box.counters.dropped, site.box._tiers._tail.count) == (3, 10)
    assert site.box.pending == 4
    site.offline(20)
    assert site.box._tiers._tail.count == (0 if spill_after_s < 20 else 10)
    assert site.box.pending == 4
    assert values(site.drain()) == [6.0, 7.0, 9.0, 10.0]
    assert site.box.pending == 0


def test_it_may_end_inside_a_segment_and_inside_a_record(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    cut = 37
    ask(site, stored[cut].position)
    tend_until_done(site)
    pending = site.box.pending
    found = site.drain()
    assert [(gap.from_seq, gap.to_seq) for gap in gaps(found)] == [(1, stored[cut].position.seq)]
    assert values(found) == values(stored)[cut + 1 :]
    assert pending == len(stored) - cut - 1


@pytest.mark.parametrize("is_cut", [False, True])
def test_it_stays_purged_after_a_kill_and_after_a_power_cut(site: Any, *, is_cut: bool) -> None:
    site.open(**SMALL)
    stored = fill(site)
    ask(site, stored[45].position)
    tend_until_done(site)
    (site.cut_power if is_cut else site.kill)()
    site.open(**SMALL)
    pending = site.box.pending
    found = site.drain()
    assert values(found) == values(stored)[46:]
    assert pending == len(stored) - 46 + is_cut  # after the cut an epoch begins with an event of its own
    first, *others = gaps(found)
    assert (first.from_seq, first.to_seq, first.cause) == (1, stored[45].position.seq, GapCause.PURGE)
    assert not others


def test_events_in_flight_may_still_be_acknowledged(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    in_flight = site.box.read(None, max_events=20, max_bytes=10**6)
    ask(site, stored[-1].position)
    tend_until_done(site)
    (gap,) = gaps(site.box.read(in_flight[-1].position, max_events=20, max_bytes=10**6))
    assert (gap.from_seq, gap.to_seq) == (21, 91)
    site.acknowledge(in_flight)
    (gap,) = gaps(site.drain())
    assert (gap.from_seq, gap.to_seq) == (21, 91)
    assert site.box.pending == 0


@pytest.mark.parametrize("each", [1, 4, 9])
@pytest.mark.parametrize("from_end", [1, 3, 12])
def test_what_is_acknowledged_while_it_is_read_and_noted_is_counted_once(
    slow_site: Any, each: int, from_end: int
) -> None:
    site, card = slow_site, slow_site.syncer
    card.is_held = False
    site.open(**SMALL)
    stored = fill(site, rounds=12)
    in_flight = site.box.read(None, max_events=10**3, max_bytes=10**6)
    file = ask(site, stored[-from_end].position)
    site.clock.advance(LOOK_EVERY_S)
    acknowledged = 0
    for turn in range(40):
        card.is_held = turn % 4 != 3
        card.let_through() if not card.is_held else None
        site.box.tend()
        if not file.exists():
            break
        site.acknowledge(in_flight[acknowledged : acknowledged + each])
        acknowledged += each
    assert not file.exists()
    assert 0 < acknowledged < len(stored) - 20
    assert site.box.counters.dropped == 1 + len(stored) - (from_end - 1) - acknowledged
    assert site.box.pending == from_end - 1
    card.is_held = False
    assert len(values(site.drain())) == from_end - 1
    assert site.box.pending == 0


@pytest.mark.parametrize("turns", range(6))
def test_what_a_limit_drops_meanwhile_is_counted_once(slow_site: Any, turns: int) -> None:
    site, card = slow_site, slow_site.syncer
    card.is_held = False
    site.open(**SMALL)
    stored = fill(site, rounds=12)
    file = ask(site, stored[-1].position)
    site.clock.advance(LOOK_EVERY_S)
    card.is_held = True
    for turn in range(12):
        if turn == turns:
            site.box._opened._parts.clearance.drop_oldest(GapCause.LIMIT)
        site.box.tend()
    card.is_held = False
    card.let_through()
    for _ in range(10):
        site.box.tend()
    assert not file.exists()
    assert site.box.counters.dropped == 1 + len(stored)
    assert site.box.pending == 0


def test_several_epochs_go_together_and_each_is_announced(site: Any) -> None:
    for _ in range(3):
        site.open(**SMALL)
        stored = fill(site, rounds=3)
        site.offline(12, step_s=3)
        site.cut_power()
    site.open(**SMALL)
    ask(site, stored[-1].position)
    tend_until_done(site)
    later = site.box.append(site.news(2))
    found = site.drain()
    assert [(gap.epoch.ordinal, gap.from_seq, gap.to_seq, gap.cause) for gap in gaps(found)] == [
        (ordinal, 1, 41, GapCause.PURGE) for ordinal in (1, 2, 3)
    ]
    assert values(found) == values(later)


def test_a_second_purge_takes_what_came_since(site: Any) -> None:
    site.open(**SMALL)
    ask(site, fill(site)[30].position)
    tend_until_done(site)
    ask(site, fill(site, rounds=2)[-1].position)
    tend_until_done(site)
    assert site.box.counters.dropped == 121
    assert [(gap.from_seq, gap.to_seq, gap.cause) for gap in gaps(site.drain())] == [(1, 121, GapCause.PURGE)]


def test_a_request_that_comes_during_another_is_carried_out_too(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    ask(site, stored[30].position, nonce="first")
    site.clock.advance(LOOK_EVERY_S)
    site.box.tend()
    file = ask(site, stored[60].position, nonce="second")
    for _ in range(10):
        site.box.tend()
    assert file.exists()
    tend_until_done(site)
    assert values(site.drain()) == values(stored)[61:]


def test_two_requests_that_wait_are_both_carried_out(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    files = [ask(site, stored[cut].position, nonce=nonce) for cut, nonce in ((60, "a"), (30, "b"))]
    site.offline(30)
    assert [file.exists() for file in files] == [False, False]
    assert values(site.drain()) == values(stored)[61:]


def test_a_card_that_is_full_takes_a_request_and_gives_its_room_back_at_once(site: Any) -> None:
    """Nothing that is new fits, and the purge's own cursor is written in place."""
    site.open(**SMALL)
    fill(site)
    before = [*site.flash.glob("*.seg")]
    site.disk.rule = lambda call, path: (
        errno.ENOSPC if call in {"write", "write_at"} and path.endswith((".seg", ".new")) else None
    )
    stored = fill(site)
    site.offline(20)
    assert "outbox_flash" in site.box.alarms
    file = ask(site, stored[-1].position)
    site.offline(LOOK_EVERY_S + len(before))
    assert [path for path in [file, *before] if path.exists()] == []
    assert [gap.cause for gap in gaps(site.drain())] == [GapCause.PURGE]


def test_a_request_for_what_is_delivered_already_does_nothing(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    site.drain()
    ask(site, stored[-1].position)
    tend_until_done(site)
    assert site.box.counters.dropped == 0
    later = site.box.append(site.news(2))
    assert [item.body for item in site.drain()] == [item.body for item in later]


def test_it_stays_purged_where_more_holes_follow_than_a_cursor_can_hold() -> None:
    def drop(ordinal: int, seq: int, cause: GapCause) -> Drop:
        epoch = Epoch(ordinal=ordinal, random=1)
        return Drop(epoch=epoch, first=seq, last=seq, count=1, cause=cause, from_ms=0, to_ms=0)

    def after_a_restart(drops: Drops) -> Position | None:
        return Drops(decode_slot(encode_slot(state(drops), 1))[1].drops).floor  # type: ignore[index]

    def state(drops: Drops) -> CursorState:
        return CursorState(epoch=Epoch(ordinal=1, random=1), seq=0, generation=1, drops=tuple(drops))

    drops = Drops()
    drops.add(drop(1, 100, GapCause.PURGE))
    floor = Position(epoch=Epoch(ordinal=1, random=1), seq=Seq(100))
    for number in range(DROPS_KEPT + 8):
        drops.add(drop(1, 200 + 3 * number, GapCause.LIMIT))
        assert after_a_restart(drops) == floor
    for number in range(2 * DROPS_KEPT):
        drops.add(drop(2 + number, 7, GapCause.LIMIT))
        assert after_a_restart(drops) == floor
    assert len(list(drops)) <= DROPS_KEPT


@pytest.mark.parametrize("age_ms", [GOOD_FOR_MS + 1, -GOOD_FOR_MS - 6000])
def test_a_request_that_somebody_gave_up_long_ago_is_removed(site: Any, age_ms: int) -> None:
    site.open(**SMALL)
    stored = fill(site)
    ask(site, stored[-1].position, asked=now_of(site).later(-age_ms))
    tend_until_done(site)
    assert "purge_request_removed" in site.log.names()
    assert values(site.drain()) == values(stored)


def test_a_request_of_another_boot_whose_clock_was_not_set_is_removed(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    ask(site, stored[-1].position, asked=Moment(boot=1, uptime_ms=0, wall_ms=0, is_unsynced=True))
    tend_until_done(site)
    assert values(site.drain()) == values(stored)


@pytest.mark.parametrize(
    "damage",
    [lambda name: name[:-20], lambda name: name + ",x", lambda name: name.replace("-", "x"), lambda _: "purge,"],
)
def test_a_request_that_nobody_can_read_is_removed(site: Any, damage: Callable[[str], str]) -> None:
    site.open(**SMALL)
    stored = fill(site)
    file = ask(site, stored[-1].position)
    file.rename(file.with_name(damage(file.name)))
    tend_until_done(site)
    assert "purge_request_removed" in site.log.names()
    assert values(site.drain()) == values(stored)


@pytest.mark.parametrize("by", ["ann (uid 1000)", "Zoë, ../../etc", "x" * 300])
def test_what_is_written_is_read_back(site: Any, by: str) -> None:
    site.open()
    position = Position(epoch=Epoch(ordinal=2**32 - 1, random=9), seq=Seq(2**64 - 1))
    asked = now_of(site).later(10**15)
    asked_for = PurgeRequest(nonce="f" * 16, through=position, asked=asked, by=by)
    file = write_request(site.disk, site.flash, asked_for)
    assert waiting_requests(site) == [file]
    found = read_request(file)
    assert found is not None
    assert replace(found, by="") == replace(asked_for, by="")
    assert by.startswith(found.by)
    assert (found.by == by) == (len(by) < 80)


def test_a_look_costs_one_question_every_five_seconds(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    site.open(**SMALL)
    site.box.tend()
    looks: list[Path] = []
    monkeypatch.setattr(site.disk, "names", lambda path: looks.append(path) or [])
    for _ in range(100):
        site.clock.advance(0.5)
        site.box.tend()
    assert looks == [site.flash] * 10


@pytest.mark.parametrize("is_stale", [False, True])
def test_a_request_that_cannot_be_removed_is_told_of_once(site: Any, *, is_stale: bool) -> None:
    site.open(**SMALL)
    file = ask(site, fill(site)[-1].position, asked=now_of(site).later(-GOOD_FOR_MS - 1) if is_stale else None)
    site.log.lines.clear()
    site.disk.rule = lambda asked, path: errno.EACCES if (asked, path) == ("unlink", str(file)) else None
    site.offline(120, step_s=1)
    assert file.exists()
    told = [name for name in site.log.names() if "purge" in name]
    assert told == ["outbox_purged"] * (not is_stale) + ["purge_request_in_the_way"]
    site.disk.heal()
    site.offline(20, step_s=1)
    assert not file.exists()
    told = [name for name in site.log.names()[len(told) :] if "purge" in name]
    assert told == ["purge_request_removed"] * is_stale


class Killed(BaseException):
    pass


def lives_until(site: Any, call: int) -> bool:
    """Purge until the n-th writing call, at which the process is killed; whether it came so far."""
    count = 0

    def rule(name: str, path: str) -> None:
        nonlocal count
        count += name in ("open", "write", "write_at", "sync_data", "sync", "replace", "unlink")
        if count == call:
            raise Killed

    site.disk.rule = rule
    try:
        tend_until_done(site)
        site.offline(60, step_s=10)
    except Killed:
        return True
    finally:
        site.disk.heal()
    return False


def kill_at_each_call(root: Path, new_site: Callable[[Path], Any]) -> Iterator[list[Any]]:
    """What a start after the kill delivers; before it, 90 events waited."""
    for call in range(1, 200):
        site = new_site(root / str(call))
        site.open(**SMALL)
        ask(site, fill(site)[-1].position)
        was_killed = lives_until(site, call)
        site.kill()
        for file in waiting_requests(site):
            file.unlink()
        site.open(**SMALL)
        found = site.drain()
        site.kill()
        yield found
        if not was_killed:
            return
    raise AssertionError("the purge does not end")


def test_a_kill_in_the_middle_leaves_everything_or_nothing(tmp_path: Path, new_site: Callable[[Path], Any]) -> None:
    ends = list(kill_at_each_call(tmp_path, new_site))
    assert [text for found in ends if (text := objection(found, WAITING))] == []
    assert {bool(values(found)) for found in ends} == {True, False}


def test_a_purge_that_frees_before_it_is_noted_is_caught(
    tmp_path: Path, new_site: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    free_too_early(monkeypatch)
    assert any(objection(found, WAITING) for found in kill_at_each_call(tmp_path, new_site))


def test_a_card_that_fails_delays_it_and_loses_nothing_unannounced(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    file = ask(site, stored[-1].position)
    site.disk.fail("sync")
    site.clock.advance(LOOK_EVERY_S)
    site.offline(60, step_s=1)
    assert file.exists()
    assert values(site.box.read(None, max_events=10**4, max_bytes=10**9)) == values(stored)
    site.disk.heal()
    site.offline(60, step_s=1)
    assert not file.exists()
    assert objection(site.drain(), WAITING) == ""
