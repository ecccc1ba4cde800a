"""Events that were stamped before the clock was set, and what jumps of the clock may not do."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import pytest

from sensor_gateway.model.event import Gap
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.outbox.clocks.boot_clock import BootClock
from sensor_gateway.outbox.clocks.clock_file import MOST_BOOTS, KnownClock, line_of, parse
from sensor_gateway.outbox.files.syncer import SyncJob
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import Durability
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.simulation.virtual_clock import BOOT_WALL_MS

DAY_S = 86_400
YEARS_56_S = 56 * 31_557_600
JUMPS_S = [-3600, DAY_S, YEARS_56_S, -YEARS_56_S]


def _unset(site: Any) -> None:
    """A machine without a battery: it is 1970, and the clock is not set."""
    site.clock.set_wall(1_000_000)
    site.clock.state = ClockState.UNSYNCED


def _set(site: Any, wall_ms: int = BOOT_WALL_MS) -> int:
    """The network has told the time; what to add to the uptime from now on."""
    site.clock.set_wall(wall_ms)
    site.clock.state = ClockState.SYNCED
    stamp = site.clock.stamp()
    return stamp.wall_ms - stamp.uptime_ms


def _events(items: list[Stored | Gap]) -> list[dict[str, Any]]:
    return [json.loads(item.body) for item in items if isinstance(item, Stored)]


def _values(items: list[Stored | Gap]) -> list[dict[str, Any]]:
    return [event for event in _events(items) if event["type"] == "value"]


def _clocks(items: list[Stored | Gap]) -> list[dict[str, Any]]:
    return [event for event in _events(items) if event["type"] == "clock"]


def _time_of(event: dict[str, Any], offset_ms: int) -> str:
    """RFC 3339 of an event's uptime with this offset, by the standard library."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=event["uptime_ms"] + offset_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_what_waits_is_corrected_once_the_clock_is_set_and_subscribers_are_told(site: Any) -> None:
    _unset(site)
    box = site.open()
    box.append(site.news(3))
    site.clock.advance(60)
    box.append(site.news(2))
    offset_ms = _set(site)
    told = box.append(())
    assert [json.loads(item.body)["type"] for item in told] == ["clock"]
    box.append(site.news())
    events = _events(site.drain())
    assert [event["seq"] for event in events] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [event["clock"] for event in events] == ["corrected"] * 6 + ["synced"] * 2
    assert all(event["time"] == _time_of(event, offset_ms) for event in events)
    (clock,) = _clocks([*told])
    assert (clock["boot"], clock["offset_ms"]) == ("1b4e28ba", offset_ms)


def test_what_was_stamped_before_and_is_stored_after_the_clock_event_is_corrected_at_once(site: Any) -> None:
    """Heartbeats and owed news carry the moment of the measurement that they repeat."""
    _unset(site)
    box = site.open()
    late = site.news(2)
    site.clock.advance(60)
    offset_ms = _set(site)
    assert _clocks([*box.append(())])
    stored = box.append(late)
    assert all(event["clock"] == "corrected" for event in _events([*stored])), "what is shown on the state topics"
    events = _events(box.read(stored[0].position, max_events=10, max_bytes=10**6)) + _events([*stored])
    assert all(event["time"] == _time_of(event, offset_ms) for event in events)
    site.kill()
    site.open()
    assert [event["clock"] for event in _values(site.drain())] == ["corrected"] * 2


def test_at_a_start_without_a_clock_the_file_is_written_once(site: Any) -> None:
    _unset(site)
    site.open()
    assert ("write", "clocks") not in site.disk.calls
    assert site.disk.calls.count(("replace", "clocks")) == 1


def test_before_the_clock_is_set_events_say_what_it_shows_and_that_it_is_not(site: Any) -> None:
    _unset(site)
    box = site.open()
    box.append(site.news())
    (event,) = _values(site.drain())
    assert event["clock"] == "unsynced"
    assert event["time"].startswith("1970-01-01T00:16:40")


def test_a_boot_whose_clock_was_always_set_has_no_clock_event_and_writes_nothing(site: Any) -> None:
    box = site.open()
    box.append(site.news())
    site.offline(60)
    assert not _clocks(site.drain())
    assert not (site.flash / "clocks").exists()


def test_the_clock_event_comes_once_in_a_boot_whatever_happens_later(site: Any) -> None:
    _unset(site)
    site.open().append(site.news())
    _set(site)
    assert _clocks([*site.box.append(())])
    for _ in range(3):
        site.kill()
        site.open()
        site.clock.advance(10)
        assert not _clocks([*site.box.append(site.news())])
        site.box.tend()
    assert len(_clocks(site.drain())) == 1


def test_a_clock_that_was_set_while_the_gateway_was_down_is_told_of_at_the_next_start(site: Any) -> None:
    _unset(site)
    site.open().append(site.news())
    delivered = _values(site.drain())
    assert [event["clock"] for event in delivered] == ["unsynced"]
    site.kill()
    site.clock.advance(100)
    offset_ms = _set(site)
    site.open()
    (clock,) = _clocks([*site.box.append(())])
    assert clock["offset_ms"] == offset_ms


def test_events_of_an_earlier_boot_are_corrected_by_the_clock_of_that_boot(site: Any) -> None:
    _unset(site)
    site.open().append(site.news(3))
    first_ms = _set(site)
    site.box.append(())
    site.offline(30)
    site.cut_power()
    _unset(site)
    site.open().append(site.news(2))
    site.clock.advance(7)
    second_ms = _set(site, BOOT_WALL_MS + 10**9)
    site.box.append(())
    values = _values(site.drain())
    assert [event["clock"] for event in values] == ["corrected"] * 5
    assert [event["time"] for event in values] == [
        *(_time_of(event, first_ms) for event in values[:3]),
        *(_time_of(event, second_ms) for event in values[3:]),
    ]


def test_events_of_a_boot_that_never_synchronised_stay_as_they_are(site: Any) -> None:
    _unset(site)
    site.open().append(site.news(3))
    site.offline(30)
    site.cut_power()
    site.clock.state = ClockState.SYNCED
    site.open().append(site.news())
    values = _values(site.drain())
    assert [event["clock"] for event in values] == ["unsynced"] * 3 + ["synced"]


def test_what_was_stamped_by_a_clock_that_is_doubted_again_is_not_corrected(site: Any) -> None:
    _unset(site)
    site.open().append(site.news())
    _set(site)
    site.box.append(())
    site.clock.state = ClockState.UNSYNCED
    site.clock.advance(10)
    site.box.append(site.news())
    assert [event["clock"] for event in _values(site.drain())] == ["corrected", "unsynced"]


def test_the_same_boot_is_known_by_every_id_that_is_not_empty_and_by_no_other(site: Any) -> None:
    site.boot_id = ""
    _unset(site)
    site.open().append(site.news())
    _set(site)
    assert not site.box.append(())
    assert [event["clock"] for event in _values(site.drain())] == ["unsynced"]
    assert not (site.flash / "clocks").exists()


@pytest.mark.parametrize("jump_s", JUMPS_S)
def test_a_jump_neither_drops_nor_spares_events_by_their_age(site: Any, jump_s: int) -> None:
    box = site.open(max_age_s=3600, durability=Durability.MEMORY)
    box.append(site.news(3))
    site.offline(1800, step_s=10)
    site.clock.jump_wall(jump_s)
    site.offline(1790, step_s=10)
    box.append(site.news(2))
    assert [event["value"] for event in _values(box.read(None, max_events=99, max_bytes=10**6))] == [1, 2, 3, 4, 5]
    site.offline(20, step_s=10)
    assert [event["value"] for event in _values(site.drain())] == [4, 5]


@pytest.mark.parametrize("jump_s", JUMPS_S)
def test_a_jump_does_not_make_events_of_an_earlier_boot_old_or_young(site: Any, jump_s: int) -> None:
    site.open(max_age_s=7200).append(site.news(3))
    for _ in range(40):
        site.box.append(site.news(30))
        site.offline(2)
    site.cut_power()
    box = site.open(max_age_s=7200)
    box.tend()
    site.clock.jump_wall(jump_s)
    site.offline(7200 - 240, step_s=10)
    assert _oldest(box) == 1
    site.offline(400, step_s=10)
    assert _oldest(box) > 1


def test_an_outbox_that_ages_by_the_wall_clock_loses_events_to_a_jump(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with what the clock shows now, the test above fails."""
    look = BootClock.look
    monkeypatch.setattr(BootClock, "look", lambda self, now: replace(look(self, now), wall_ms=now.wall_ms))
    site.open(max_age_s=7200).append(site.news(3))
    site.offline(60)
    site.cut_power()
    box = site.open(max_age_s=7200)
    box.tend()
    site.clock.jump_wall(DAY_S)
    site.offline(60)
    assert _oldest(box) > 1


def _oldest(box: Outbox) -> float:
    waiting = _values(box.read(None, max_events=99, max_bytes=10**6))
    return float(waiting[0]["value"]) if waiting else inf


@pytest.mark.parametrize("jump_s", JUMPS_S)
def test_a_jump_does_not_delay_a_spill(site: Any, jump_s: int) -> None:
    box = site.open()
    box.append(site.news())
    site.clock.jump_wall(jump_s)
    site.offline(12)
    site.cut_power()
    site.open()
    assert len(_values(site.drain())) == 1


def test_a_jump_is_logged_once_with_its_size(site: Any) -> None:
    site.open()
    site.offline(10)
    site.clock.jump_wall(-3600)
    site.offline(100)
    assert [facts["by_s"] for facts in site.log.facts("clock_jumped")] == [-3600.0]


def test_a_clock_that_flaps_is_logged_at_most_once_a_minute(site: Any) -> None:
    site.open()
    for turn in range(600):
        site.clock.jump_wall(7200 if turn % 10 == 0 else -7200 if turn % 10 == 5 else 0)
        site.offline(1)
    assert 5 <= len(site.log.facts("clock_jumped")) <= 11


def test_a_process_that_was_stopped_between_two_clocks_has_seen_no_jump(site: Any) -> None:
    clock = BootClock("1b4e28ba", site.log)
    for second in range(20):
        late_ms = 5000 if second == 7 else 0
        clock.look(Stamp(uptime_ms=second * 1000 + late_ms, wall_ms=10**12 + second * 1000, clock=ClockState.SYNCED))
    assert "clock_jumped" not in site.log.names()


def test_the_mark_that_a_clock_is_not_set_is_safe_before_the_first_event(site: Any) -> None:
    _unset(site)
    site.open()
    assert parse((site.flash / "clocks").read_bytes()) == {"1b4e28ba": None}
    assert ("sync_data", "clocks.new") in site.disk.calls


def test_the_offset_is_handed_to_the_syncer_and_nobody_waits_for_it(slow_site: Any) -> None:
    _unset(slow_site)
    slow_site.open().append(slow_site.news())
    _set(slow_site)
    slow_site.box.append(())
    jobs: list[SyncJob] = slow_site.syncer.jobs
    (descriptor,) = next(job.files for job in jobs if job.name == "clocks")
    assert slow_site.disk.paths[descriptor].name == "clocks"
    slow_site.syncer.let_through()
    slow_site.box.tend()
    assert descriptor not in slow_site.disk.paths


def test_a_file_that_cannot_be_written_costs_nothing_and_is_written_later(site: Any) -> None:
    site.disk.fail("open", "clocks", errno.ENOSPC)
    _unset(site)
    site.open().append(site.news())
    offset_ms = _set(site)
    assert _clocks([*site.box.append(())])
    assert [event["clock"] for event in _values(site.drain())] == ["corrected"]
    site.disk.heal()
    site.offline(40)
    assert parse((site.flash / "clocks").read_bytes())["1b4e28ba"].offset_ms == offset_ms


def test_the_file_keeps_the_newest_boots_only(site: Any) -> None:
    _unset(site)
    site.open()
    for _ in range(MOST_BOOTS + 20):
        site.box.append(site.news())
        _set(site)
        site.box.append(())
        site.drain()
        site.cut_power()
        _unset(site)
        site.open()
    kept = parse((site.flash / "clocks").read_bytes())
    assert list(kept) == [f"{number:08x}" for number in range(21, MOST_BOOTS + 21)]
    assert len((site.flash / "clocks").read_bytes()) < MOST_BOOTS * 2 * 60


def test_lines_that_were_torn_or_changed_are_none() -> None:
    known = KnownClock(offset_ms=BOOT_WALL_MS, since_ms=93_120)
    whole = line_of("1b4e28ba", None) + line_of("1b4e28ba", known)
    for cut in range(len(whole)):
        assert parse(whole[:cut]).get("1b4e28ba") is None
    assert parse(whole) == {"1b4e28ba": known}
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        assert parse(bytes(damaged)).get("1b4e28ba") in {None, known}
    assert parse(b"\xff\x00garbage\n \n" + whole) == {"1b4e28ba": known}
