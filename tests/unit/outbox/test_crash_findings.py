"""What exploring crash states has found, one test each."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.outbox import recovery


def test_the_outboxs_directory_is_safe_in_its_parent_before_anything_in_it_counts(site: Any) -> None:
    """Else a power cut may take the new name away, with all that was synced under it."""
    site.open()
    calls = site.disk.calls
    made = calls.index(("make_directory", "outbox"))
    identity = calls.index(("replace", "identity"))
    assert ("sync", "state") in calls[made:identity]


def test_what_a_killed_process_had_not_synced_is_synced_before_it_counts_as_safe(slow_site: Any) -> None:
    """Else the hot journal lets go of it, and a power cut takes the only copy."""
    _with_a_flush_under_way(slow_site)
    slow_site.kill()
    slow_site.disk.calls.clear()
    slow_site.open()
    segment = next(slow_site.flash.glob("*.seg")).name
    assert ("sync_data", segment) in slow_site.disk.calls
    assert ("sync_data", "cursor-mqtt") in slow_site.disk.calls


@pytest.mark.parametrize("safe", [0, 2])
def test_what_cannot_be_synced_after_a_kill_stays_in_hot_until_it_is_safe_in_another_segment(
    slow_site: Any, safe: int
) -> None:
    box = _start_where_the_sync_fails(slow_site, safe)
    assert [seq for record in box._opened._parts.tail for seq in _seqs(record)][-3:] == _last_three(safe)
    assert box.alarms == ("outbox_flash",)
    first = next(slow_site.flash.glob("*.seg"))
    slow_site.disk.heal()
    slow_site.syncer.is_held = False
    slow_site.offline(12)
    assert box.alarms == ()
    assert box._opened._parts.tail.first is None
    _lose(first, safe)
    slow_site.cut_power()
    slow_site.open()
    assert _seqs_of(slow_site.drain())[: 4 + safe] == [*range(1, 5 + safe)], "the medium never got what hot had"


@pytest.mark.parametrize("safe", [0, 2])
def test_what_cannot_be_synced_at_one_start_is_judged_anew_by_the_next(slow_site: Any, safe: int) -> None:
    """The kernel holds the pages that failed for clean: a sync proves something only once they were written again."""
    _start_where_the_sync_fails(slow_site, safe)
    slow_site.kill()
    segment = next(slow_site.flash.glob("*.seg")).name
    calls = slow_site.disk.calls
    assert ("write_at", segment) in calls
    calls.clear()
    slow_site.disk.heal()
    slow_site.open()
    assert ("sync_data", segment) in calls
    assert slow_site.box._opened._parts.tail.first is None
    assert _seqs_of(slow_site.drain()) == [*range(1, 5 + safe)]


@pytest.mark.parametrize("safe", [0, 2])
def test_what_cannot_be_synced_after_a_kill_is_delivered_once(slow_site: Any, safe: int) -> None:
    """Also where it lies in two segments, of which the older one stays until the next start."""
    box = _start_where_the_sync_fails(slow_site, safe)
    slow_site.disk.heal()
    slow_site.syncer.is_held = False
    assert box.pending == 4 + safe
    assert _seqs_of(slow_site.box.read(None, max_events=100, max_bytes=10**6)) == [*range(1, 5 + safe)]
    slow_site.offline(12)
    assert box.pending == 4 + safe
    slow_site.kill()
    slow_site.open()
    assert slow_site.box.pending == 4 + safe
    assert _seqs_of(slow_site.drain()) == [*range(1, 5 + safe)]
    slow_site.offline(12)
    assert [*slow_site.flash.glob("*.seg")] == []


def test_what_cannot_be_synced_in_two_segments_does_not_hide_what_is_safe_before_it(slow_site: Any) -> None:
    box = slow_site.open()
    slow_site.syncer.is_held = False
    shelf = box._opened._parts.cold.shelf
    while len(shelf.segments) < 2:
        slow_site.offline(6)
        box.append(slow_site.news(20))
    slow_site.kill()
    slow_site.disk.fail("sync_data", ".seg")
    box = slow_site.open()
    shelf = box._opened._parts.cold.shelf
    assert len(shelf.segments) == 1
    assert shelf.last.seq + 1 == next(iter(box._opened._parts.tail)).first_seq
    assert box.pending == 1 + slow_site.number
    slow_site.disk.heal()
    slow_site.offline(12)
    assert box.pending == 1 + slow_site.number
    assert _seqs_of(slow_site.drain()) == [*range(1, 2 + slow_site.number)]


def test_a_segment_that_is_given_up_whole_leaves_the_one_before_as_the_last(site: Any) -> None:
    box = site.open()
    while len(box._opened._parts.cold.shelf.segments) < 3:
        box.append(site.news(20))
        site.offline(6)
    site.kill()
    shelf = site.open()._opened._parts.cold.shelf
    before, begin = shelf.segments[1], shelf.segments[2].first
    shelf.give_up_from(begin)
    assert shelf.segments[-1] is before
    assert before.last == shelf.last
    assert shelf.last.seq == shelf.ticket == begin.seq - 1


def test_a_file_that_was_given_up_at_the_start_goes_when_its_room_is_wanted(slow_site: Any) -> None:
    box = _start_where_the_sync_fails(slow_site, 0)
    first = next(slow_site.flash.glob("*.seg"))
    slow_site.disk.heal()
    slow_site.syncer.is_held = False
    shelf = box._opened._parts.cold.shelf
    while len(shelf.segments) < 16:
        assert len([*slow_site.flash.glob("*.seg")]) <= 16, "max_size allows no more"
        box.append(slow_site.news(150))
        slow_site.offline(6)
        assert box.counters.dropped == 0
    assert not first.exists()


def test_what_cannot_be_synced_after_a_kill_without_hot_is_written_again_and_said(slow_site: Any) -> None:
    """Nothing else has it: it stays where it is, and the sync of the next start proves it."""
    slow_site.has_hot = False
    slow_site.open()
    slow_site.box.append(slow_site.news(3))
    slow_site.offline(1)
    segment = next(slow_site.flash.glob("*.seg")).name
    box = _kill_and_fail_to_sync(slow_site)
    calls = slow_site.disk.calls
    assert calls.index(("write_at", segment)) < calls.index(("replace", "epoch")), "before anything new is written"
    assert box.alarms == ("outbox_flash",)
    slow_site.disk.heal()
    slow_site.syncer.is_held = False
    slow_site.offline(40)
    assert box.alarms == ()
    assert _seqs_of(slow_site.drain())[1:4] == [2, 3, 4]


def test_a_start_that_takes_what_it_could_not_sync_for_safe_is_caught(
    slow_site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: hot lets go of it, and a power cut takes the only copy."""
    monkeypatch.setattr(recovery, "settle", lambda *_, **__: None)
    _start_where_the_sync_fails(slow_site, 2)
    first = next(slow_site.flash.glob("*.seg"))
    slow_site.disk.heal()
    slow_site.syncer.is_held = False
    slow_site.offline(12)
    _lose(first, 2)
    slow_site.cut_power()
    slow_site.open()
    with pytest.raises(AssertionError):
        assert _seqs_of(slow_site.drain())[:6] == [*range(1, 7)]


def test_a_cursor_whose_sync_failed_is_not_taken_for_safe_by_the_next_start(slow_site: Any) -> None:
    """The kernel shows it, a second sync succeeds, and the medium never got it."""
    box = slow_site.open()
    box.append(slow_site.news(3))
    slow_site.acknowledge(box.read(None, max_events=2, max_bytes=10**6))
    slow_site.offline(6)
    assert [job.name for job in slow_site.syncer.jobs] == ["cursor"]
    slow_site.syncer.let_through(OSError(5, "Input/output error"))
    box.tend()
    slow_site.kill()
    box = slow_site.open()
    slow_site.offline(6)
    assert [job.name for job in slow_site.syncer.jobs] == ["cursor"], "nothing goes to flash before a cursor is safe"


def test_a_start_does_not_find_what_was_given_up_after_a_failed_sync(slow_site: Any) -> None:
    """The kernel would show it as if it were on the medium."""
    box = _with_a_flush_under_way(slow_site)
    slow_site.syncer.let_through(OSError(5, "Input/output error"))
    box.tend()
    slow_site.kill()
    box = slow_site.open()
    assert [seq for record in box._opened._parts.tail for seq in _seqs(record)] == [1, 2, 3, 4]


def test_a_kill_while_records_are_given_up_leaves_no_hole(slow_site: Any) -> None:
    """The last of three records is taken back, and then the process ends."""
    box = slow_site.open()
    slow_site.syncer.is_held = False
    box.append(slow_site.news(1))
    slow_site.offline(12)
    slow_site.syncer.is_held = True
    for _ in range(3):
        box.append(slow_site.news(1))
        slow_site.offline(6)
        if slow_site.syncer.jobs and slow_site.syncer.jobs[0].name != "flush":
            slow_site.syncer.let_through()
            slow_site.offline(1)
    writes = 0

    def ends_after_one(call: str, path: str) -> int | None:
        nonlocal writes
        writes += call == "write_at" and path.endswith(".seg")
        return 5 if writes > 1 else None

    slow_site.disk.rule = ends_after_one
    slow_site.syncer.let_through(OSError(5, "Input/output error"))
    box.tend()
    slow_site.disk.heal()
    slow_site.kill()
    slow_site.syncer.is_held = False
    slow_site.open()
    assert [item.position.seq for item in slow_site.drain()] == [1, 2, 3, 4, 5]


def test_what_a_failed_sync_left_on_flash_does_not_hide_its_second_copy(slow_site: Any) -> None:
    """Of three records only the last one reached the medium; all three are in the next segment."""
    box = slow_site.open()
    slow_site.syncer.is_held = False
    for _ in range(3):
        box.append(slow_site.news(1))
        slow_site.offline(6)
    slow_site.syncer.is_held = True
    for _ in range(3):
        box.append(slow_site.news(1))
        slow_site.offline(6)
    first = next(slow_site.flash.glob("*.seg"))
    torn = bytearray(first.read_bytes())
    places = [at for at in range(len(torn)) if torn.startswith(b"SGW1", at)]
    torn[places[-2]] = 0
    slow_site.syncer.let_through(OSError(5, "Input/output error"))
    box.tend()
    slow_site.syncer.is_held = False
    slow_site.offline(20)
    first.write_bytes(torn)
    slow_site.cut_power()
    slow_site.open()
    found = slow_site.drain()
    assert [item for item in found if isinstance(item, Gap)] == []
    assert [item.position.seq for item in found][:7] == [1, 2, 3, 4, 5, 6, 7]


def test_what_was_acknowledged_ahead_in_a_dropped_segment_is_part_of_the_drop(site: Any) -> None:
    """Else, after a power cut, it is announced as lost for an unknown reason."""
    box = site.open(segment_size=4096, max_size=4 * 4096, max_age_s=60.0)
    for _ in range(3):
        box.append(site.news(2))
        site.offline(6)
    for item in box.read(None, max_events=100, max_bytes=10**6)[2:5]:
        site.acknowledge([item])
    site.offline(80)
    box.append(site.news(1))
    site.offline(12)
    site.cut_power()
    site.open(segment_size=4096, max_size=4 * 4096)
    causes = {item.cause for item in site.drain() if isinstance(item, Gap)}
    assert causes == {GapCause.AGE}


def test_what_was_acknowledged_ahead_and_dropped_from_memory_is_part_of_the_drop(slow_site: Any) -> None:
    """An orderly shutdown takes the hot journal away, and with it all that was acknowledged ahead of the mark."""
    limits = {"segment_size": 4096, "max_size": 4 * 4096, "hot_cap": 3000}
    box = slow_site.open(**limits)
    box.append(slow_site.news(6))
    items = box.read(None, max_events=100, max_bytes=10**6)
    slow_site.acknowledge(items[2:4])
    for _ in range(20):
        box.append(slow_site.news(1))
    assert box.counters.dropped > 4
    slow_site.syncer.is_held = False
    slow_site.syncer.let_through()
    slow_site.offline(3)
    box.close(to_flash=True)
    slow_site.kill()
    slow_site.open(**limits)
    assert {item.cause for item in slow_site.drain() if isinstance(item, Gap)} == {GapCause.MEMORY}


def test_what_waits_for_the_next_segment_does_not_wait_for_the_next_but_one_sync(site: Any) -> None:
    """A full segment delays what comes behind it by one turn, and not by ``flush_every``."""
    box = site.open(segment_size=4096)
    for _ in range(60):
        box.append(site.news(2))
        site.offline(1)
        oldest = box._opened._parts.tail.first
        assert oldest is not None
        assert site.clock.stamp().uptime_ms - oldest.began.uptime_ms <= 11_500


def _start_where_the_sync_fails(site: Any, safe: int) -> Any:
    """Behind the epoch's first and so many that are safe, three were written and not synced when the process died."""
    site.open()
    if safe:
        site.syncer.is_held = False
        site.box.append(site.news(safe))
        site.offline(12)
        site.syncer.is_held = True
    _with_a_flush_under_way(site)
    return _kill_and_fail_to_sync(site)


def _kill_and_fail_to_sync(site: Any) -> Any:
    site.kill()
    site.syncer.jobs.clear()
    site.disk.calls.clear()
    site.disk.rule = lambda call, path: errno.EIO if call == "sync_data" and path.endswith(".seg") else None
    return site.open()


def _lose(segment: Path, safe: int) -> None:
    """The medium has only the first record of this segment, or nothing of it."""
    data = bytearray(segment.read_bytes())
    places = [at for at in range(len(data)) if data.startswith(b"SGW1", at)]
    begin = places[1] if safe else 0
    data[begin:] = bytes(len(data) - begin)
    segment.write_bytes(data)


def _last_three(safe: int) -> list[int]:
    return [2 + safe, 3 + safe, 4 + safe]


def _seqs_of(items: list[Any]) -> list[int]:
    assert not [item for item in items if isinstance(item, Gap)]
    return [item.position.seq for item in items]


def _with_a_flush_under_way(site: Any) -> Any:
    """Three events more, or with the epoch's first, are written, and their sync is not answered."""
    box = site.box or site.open()
    box.append(site.news(3))
    for _ in range(40):
        site.offline(0.5, 0.5)
        names = [job.name for job in site.syncer.jobs]
        if names == ["flush"]:
            return box
        site.syncer.let_through()
    raise AssertionError("nothing was flushed")


def _seqs(record: Any) -> range:
    return range(record.first_seq, record.last_seq + 1)
