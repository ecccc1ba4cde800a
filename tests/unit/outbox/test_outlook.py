"""What the outbox says of what waits in it: the same as a look at its files from outside."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from sensor_gateway.model.event import GapCause
from sensor_gateway.outbox.inspection.complaints import complaints_of
from sensor_gateway.outbox.inspection.snapshot import Inspected, take_snapshot
from sensor_gateway.outbox.inspection.status import DAY_S, Status, status_of
from sensor_gateway.outbox.recovery import Places
from sensor_gateway.outbox.tiers.outlook import Outlook

SMALL: dict[str, Any] = {"segment_size": 4096, "max_size": 40 * 4096}


def from_outside(site: Any) -> Status:
    places = Places(state_directory=site.state, hot_directory=site.hot)
    snapshot = take_snapshot(Inspected(places=places, settings=site.settings(**SMALL)))
    return status_of(snapshot, site.clock.stamp().wall_ms / 1000, complaints_of(snapshot))


def backlog(site: Any) -> None:
    """Events that go to flash, ten each minute for 40 minutes."""
    for _ in range(40):
        site.box.append(site.news(10))
        site.offline(60, step_s=10)


def test_where_nothing_waits_there_is_nothing_to_say(site: Any) -> None:
    site.open(**SMALL)
    site.drain()
    assert site.box.outlook() == Outlook(oldest=None, full_in_s=None)


def test_what_waits_in_memory_alone_is_dated_and_fills_nothing(site: Any) -> None:
    site.open(**SMALL)
    site.drain()
    site.clock.advance(60)
    site.box.append(site.news(3))
    oldest = from_outside(site).oldest
    site.clock.advance(1)
    site.box.append(site.news(3))
    assert oldest
    assert site.box.outlook() == Outlook(oldest=oldest, full_in_s=None)


def test_it_agrees_with_a_look_at_the_files(site: Any) -> None:
    site.open(**SMALL)
    backlog(site)
    seen, outlook = from_outside(site), site.box.outlook()
    assert outlook.oldest == seen.oldest
    assert seen.flash.days_left is not None
    assert outlook.full_in_s == pytest.approx(seen.flash.days_left * DAY_S, rel=0.1)


def test_a_look_changes_nothing_of_what_is_delivered(site: Any) -> None:
    site.open(**SMALL)
    backlog(site)
    site.box.outlook()
    found = site.drain()
    site.box.outlook()
    assert [item.position.seq for item in found] == list(range(1, len(found) + 1))


def test_a_disk_that_is_nearly_full_lasts_no_time(site: Any) -> None:
    site.open(**SMALL)
    backlog(site)
    site.disk.free = -(10**9)
    assert site.box.outlook().full_in_s == 0


def test_a_file_system_that_does_not_answer_leaves_it_open(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    site.open(**SMALL)
    backlog(site)

    def free_bytes(_path: object) -> int:
        raise OSError(errno.EIO, "no answer")

    monkeypatch.setattr(site.disk, "free_bytes", free_bytes)
    outlook = site.box.outlook()
    assert outlook.full_in_s is None
    assert outlook.oldest


def test_what_is_dropped_is_counted_by_its_cause(site: Any) -> None:
    site.open(segment_size=4096, max_size=4 * 4096)
    for _ in range(100):
        site.box.append(site.news(10))
        site.offline(6, step_s=3)
    counters = site.box.counters
    assert counters.dropped_by == {GapCause.LIMIT: counters.dropped}
    assert counters.dropped > 0
