"""Somebody removes files from under a running outbox, or empties them: it notices, says so, and makes them anew."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.event import Gap
from sensor_gateway.outbox.files.locks import AlreadyRunning
from sensor_gateway.outbox.settings import WhenFull

SMALL: dict[str, Any] = {"hot_cap": 2**20, "max_size": 2**20, "segment_size": 4096, "hot_slack": 1500}


def values(items: list[Any]) -> list[float]:
    facts = [json.loads(item.body) for item in items if not isinstance(item, Gap)]
    return [fact["value"] for fact in facts if fact["type"] == "value"]


def announced(items: list[Any]) -> set[int]:
    """The values that gaps tell of: value n has seq n + 1."""
    gaps = [item for item in items if isinstance(item, Gap)]
    return {seq - 1 for gap in gaps for seq in range(gap.from_seq or 0, (gap.to_seq or 0) + 1)}


def fill(site: Any, rounds: int = 8) -> None:
    """Offline for long enough that several segments are written."""
    for _ in range(rounds):
        site.box.append(site.news(10))
        site.offline(6, step_s=3)


def emptied(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(0)


REMOVED: dict[str, Callable[[Path], None]] = {"removed": Path.unlink, "emptied": emptied}


@pytest.mark.parametrize("how", REMOVED)
def test_a_hot_journal_that_is_gone_is_made_anew_with_everything(site: Any, how: str) -> None:
    site.open(**SMALL)
    site.box.append(site.news(3))
    REMOVED[how](site.hot / "hot.log")
    site.box.append(site.news(2))
    site.offline(10, step_s=10)
    assert {"outbox_hot_failed", "outbox_hot_recovered"} <= set(site.log.names())
    assert site.box.alarms == ()
    epoch = site.box.epoch
    site.kill()
    site.open(**SMALL)
    assert site.box.epoch == epoch
    assert values(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("how", REMOVED)
def test_a_kill_before_anybody_noticed_gives_out_no_seq_twice(site: Any, how: str) -> None:
    site.open(**SMALL)
    given_out = {item.position: item.body for item in site.box.append(site.news(3))}
    REMOVED[how](site.hot / "hot.log")
    given_out |= {item.position: item.body for item in site.box.append(site.news(2))}
    site.kill()
    site.open(**SMALL)
    for item in site.box.append(site.news(9)):
        assert given_out.get(item.position, item.body) == item.body
    assert any(b'"previous_last_seq":null' in item.body for item in site.drain())


def test_a_hot_directory_that_is_gone_is_made_and_locked_anew(site: Any, new_site: Callable[[Path], Any]) -> None:
    site.open(**SMALL)
    site.box.append(site.news(3))
    shutil.rmtree(site.hot)
    site.box.append(site.news(2))
    site.offline(10, step_s=10)
    site.offline(2)
    assert site.box.alarms == ()
    other = new_site(site.root.parent / "other")
    other.hot = site.hot
    with pytest.raises(AlreadyRunning):
        other.open(**SMALL)
    epoch = site.box.epoch
    site.kill()
    site.open(**SMALL)
    assert site.box.epoch == epoch
    assert values(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("which", ["hot", "state"])
def test_a_directory_that_could_not_be_locked_at_the_start_is_locked_once_it_can_be(
    site: Any, new_site: Callable[[Path], Any], which: str
) -> None:
    site.disk.fail("make_directory", which, errno.EROFS)
    site.open(**SMALL)
    site.offline(20, step_s=10)
    assert not getattr(site, which).exists()
    site.disk.heal()
    site.offline(20, step_s=10)
    assert site.log.names().count("outbox_directory_not_usable") == 1
    assert site.log.names().count("outbox_directory_locked_late") == 1
    other = new_site(site.root.parent / "other")
    setattr(other, which, getattr(site, which))
    with pytest.raises(AlreadyRunning):
        other.open(**SMALL)


def test_whoever_could_not_lock_a_directory_ends_when_somebody_else_has(
    site: Any, new_site: Callable[[Path], Any]
) -> None:
    site.disk.fail("make_directory", "hot", errno.EROFS)
    site.open(**SMALL)
    other = new_site(site.root.parent / "other")
    other.hot = site.hot
    other.open(**SMALL)
    site.disk.heal()
    site.clock.advance(10)
    with pytest.raises(AlreadyRunning):
        site.box.tend()
    other.kill()


def test_a_directory_that_cannot_be_made_is_told_of_once_and_again_when_it_is_made(site: Any) -> None:
    site.open(**SMALL)
    site.box.append(site.news(2))
    shutil.rmtree(site.hot)
    site.disk.fail("make_directory", "hot", errno.EROFS)
    site.offline(60, step_s=10)
    assert site.log.names().count("outbox_directory_gone") == 1
    site.disk.fail("make_directory", "hot", errno.EACCES)
    site.offline(60, step_s=10)
    assert site.log.names().count("outbox_directory_gone") == 2, "for another reason"
    site.disk.heal()
    site.offline(60, step_s=10)
    assert site.log.names().count("outbox_directory_gone") == 3
    shutil.rmtree(site.hot)
    site.disk.fail("make_directory", "hot", errno.EACCES)
    site.offline(60, step_s=10)
    assert site.log.names().count("outbox_directory_gone") == 4, "it was there in between"


def test_each_segment_is_looked_at_once_in_ten_seconds(site: Any) -> None:
    site.open(**SMALL)
    fill(site, rounds=30)
    site.offline(30)
    looks: list[str] = []
    site.disk.rule = lambda call, path: looks.append(path) if call == "stat" and path.endswith(".seg") else None
    site.offline(10, step_s=10)
    assert sorted(looks) == sorted(str(path) for path in site.flash.glob("*.seg"))
    assert len(looks) > 3


def test_a_file_of_which_nobody_can_tell_is_not_taken_for_gone(site: Any) -> None:
    site.open(**SMALL)
    fill(site)
    site.disk.fail("stat")
    fill(site)
    site.offline(30, step_s=5)
    assert not [name for name in site.log.names() if name.endswith("_gone")]
    site.disk.heal()
    assert values(site.drain()) == [float(number) for number in range(1, 161)]


def test_whoever_lost_both_directories_to_another_process_ends(site: Any, new_site: Callable[[Path], Any]) -> None:
    site.open(**SMALL)
    shutil.rmtree(site.hot)
    shutil.rmtree(site.state)
    other = new_site(site.root)
    other.open(**SMALL)
    site.clock.advance(10)
    with pytest.raises(AlreadyRunning):
        site.box.tend()
    other.kill()


@pytest.mark.parametrize("how", REMOVED)
@pytest.mark.parametrize("which", ["oldest", "middle", "newest"])
def test_a_segment_that_is_gone_costs_what_it_held_and_that_is_announced(site: Any, which: str, how: str) -> None:
    site.open(**SMALL)
    fill(site)
    segments = sorted(site.flash.glob("*.seg"))
    number = {"oldest": 0, "middle": len(segments) // 2, "newest": -1}[which]
    REMOVED[how](segments[number])
    site.offline(10, step_s=10)
    fill(site, rounds=3)
    site.offline(12)
    assert "outbox_segments_gone" in site.log.names()
    assert site.box.alarms == ()
    found = site.drain()
    got = {int(value) for value in values(found)}
    assert got | announced(found) >= set(range(1, 111))
    assert not got & announced(found)
    assert 0 < len(announced(found)) < 60
    assert site.box.pending == 0


def test_what_is_written_to_a_segment_without_a_name_is_written_again(site: Any) -> None:
    site.open(**SMALL)
    fill(site, rounds=1)
    site.box.append(site.news(10))
    site.clock.advance(3)
    site.box.tend()
    removed = max(site.flash.glob("*.seg"))
    removed.unlink()
    site.offline(30, step_s=3)
    assert site.box.alarms == ()
    (error,) = [facts["error"] for name, facts in site.log.lines if name == "outbox_flash_failed"]
    assert str(error).endswith(f"'{removed}'"), "the file is named, and not the directory it was in"
    site.cut_power()
    site.open(**SMALL)
    found = site.drain()
    assert set(values(found)) >= {float(number) for number in range(11, 21)}
    assert set(range(1, 21)) <= {int(value) for value in values(found)} | announced(found)


def test_free_segments_that_are_gone_are_not_missed(site: Any) -> None:
    site.open(**SMALL)
    fill(site)
    site.drain()
    site.offline(20, step_s=10)
    free = [*site.flash.glob("*.free")]
    assert free
    for path in free:
        path.unlink()
    fill(site)
    site.offline(12)
    assert site.box.alarms == ()
    assert len(values(site.drain())) == 80


@pytest.mark.parametrize("how", REMOVED)
def test_a_cursor_that_is_gone_is_written_anew(site: Any, how: str) -> None:
    site.open(**SMALL)
    fill(site)
    site.acknowledge(site.box.read(None, max_events=31, max_bytes=10**6))
    site.offline(12)
    REMOVED[how](site.flash / "cursor-mqtt")
    site.offline(10, step_s=10)
    assert {"outbox_flash_failed"} <= set(site.log.names())
    site.offline(12)
    assert site.box.alarms == ()
    site.cut_power()
    site.open(**SMALL)
    assert values(site.drain()) == [float(number) for number in range(31, 81)]


def test_no_segment_goes_on_the_word_of_a_cursor_that_is_gone(slow_site: Any) -> None:
    site = slow_site
    site.syncer.is_held = False
    site.open(**SMALL)
    fill(site)
    site.syncer.is_held = True
    site.syncer.jobs.clear()
    before = len([*site.flash.glob("*.seg")])
    site.acknowledge(site.box.read(None, max_events=61, max_bytes=10**6))
    site.box.tend()
    (site.flash / "cursor-mqtt").unlink()
    site.syncer.let_through()
    site.box.tend()
    assert len([*site.flash.glob("*.seg")]) == before
    assert "outbox_flash" in site.box.alarms


@pytest.mark.parametrize("name", ["identity", "epoch"])
@pytest.mark.parametrize("how", REMOVED)
def test_the_small_files_that_are_gone_are_written_anew(site: Any, name: str, how: str) -> None:
    site.open(**SMALL)
    fill(site, rounds=2)
    before = (site.flash / name).read_bytes()
    REMOVED[how](site.flash / name)
    site.offline(10, step_s=10)
    assert (site.flash / name).read_bytes() == before
    assert "outbox_file_gone" in site.log.names()


def test_a_whole_directory_that_is_gone_is_made_anew(site: Any) -> None:
    site.open(**SMALL)
    fill(site)
    suffix = site.box.client_suffix
    site.box.append(site.news(5))
    shutil.rmtree(site.flash)
    site.offline(60)
    assert site.box.alarms == ()
    assert "outbox_segments_gone" in site.log.names()
    epoch = site.box.epoch
    site.kill()
    site.open(**SMALL)
    assert (site.box.epoch, site.box.client_suffix) == (epoch, suffix)
    fill(site, rounds=2)
    found = site.drain()
    assert set(range(81, 106)) <= {int(value) for value in values(found)}
    assert {int(value) for value in values(found)} | announced(found) >= set(range(1, 106))


def test_a_segment_that_cannot_be_read_can_be_dropped_all_the_same(site: Any) -> None:
    site.open(segment_size=4096, max_size=4 * 4096, hot_cap=8192, hot_slack=2048, when_full=WhenFull.DROP_OLDEST)
    fill(site)
    site.disk.fail("read_at", min(site.flash.glob("*.seg")).name, errno.EIO)
    fill(site, rounds=30)
    site.disk.heal()
    site.offline(40, step_s=5)
    found = site.drain()
    got = {int(value) for value in values(found)}
    assert got | announced(found) >= set(range(1, 381))
    assert 380 in got


def fail_to_load(site: Any) -> None:
    site.disk.rule = lambda call, path: errno.EMFILE if call == "open" and path.endswith("cursor-mqtt") else None


def test_flash_that_could_not_be_loaded_at_the_start_is_tried_again(site: Any) -> None:
    site.open(**SMALL)
    fill(site, rounds=1)
    site.kill()
    fail_to_load(site)
    site.open(**SMALL)
    temporary = site.box.epoch
    site.box.append(site.news(3))
    site.offline(60, step_s=5)
    assert site.box.alarms == ("outbox_flash",)
    items = site.box.read(None, max_events=100, max_bytes=10**6)
    assert site.box.epoch == temporary
    site.disk.heal()
    site.offline(30, step_s=5)
    assert site.box.alarms == ()
    assert "outbox_flash_recovered" in site.log.names()
    assert site.box.epoch > temporary
    # What the stream still knows of the time before, answers and a reading place, does no harm.
    site.acknowledge(items)
    after = items[-1].position
    assert values(site.box.read(after, max_events=100, max_bytes=10**6)) == [float(n) for n in range(1, 14)]
    fill(site, rounds=2)
    assert site.box.counters.spilled >= 20
    site.cut_power()
    site.open(**SMALL)
    assert values(site.drain()) == [float(number) for number in range(1, 34)]


def test_what_was_acknowledged_meanwhile_is_not_sent_again(site: Any) -> None:
    site.open(**SMALL)
    fill(site, rounds=3)
    site.offline(12)
    site.kill()
    fail_to_load(site)
    site.open(**SMALL)
    site.box.append(site.news(3))
    site.drain()
    site.disk.heal()
    site.offline(30, step_s=5)
    found = site.drain()
    assert values(found) == [float(number) for number in range(1, 31)]
    assert not [item for item in found if isinstance(item, Gap)]


def test_without_a_hot_directory_what_is_in_memory_is_taken_along(site: Any) -> None:
    site.has_hot = False
    site.open(**SMALL)
    fill(site, rounds=1)
    site.kill()
    fail_to_load(site)
    site.open(**SMALL)
    site.box.append(site.news(3))
    site.disk.heal()
    site.offline(30, step_s=5)
    site.cut_power()
    site.open(**SMALL)
    assert values(site.drain()) == [float(number) for number in range(1, 14)]
