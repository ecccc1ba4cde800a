"""An outbox seen from outside: the same as its owner sees, and nothing touched."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.cli.outbox.status import _check as checked
from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.model.event_json import time_of
from sensor_gateway.outbox.identity import seal
from sensor_gateway.outbox.inspection.complaints import complaints_of
from sensor_gateway.outbox.inspection.looking import LookingDisk
from sensor_gateway.outbox.inspection.owner import owner_of, runtime_directory_of
from sensor_gateway.outbox.inspection.snapshot import Inspected, Snapshot, holds_an_outbox, take_snapshot
from sensor_gateway.outbox.inspection.status import Status, status_of
from sensor_gateway.outbox.inspection.waiting import WaitingEvents
from sensor_gateway.outbox.recovery import Places

SMALL: dict[str, Any] = {"segment_size": 4096, "max_size": 40 * 4096}


def inspected(site: Any, **changes: Any) -> Inspected:
    places = Places(state_directory=site.state, hot_directory=site.hot if site.has_hot else None)
    return Inspected(places=places, settings=site.settings(**{**SMALL, **changes}))


def look(site: Any) -> Callable[[], Snapshot]:
    return lambda: take_snapshot(inspected(site))


def waiting(site: Any, *, with_acknowledged: bool = False) -> list[Any]:
    return list(WaitingEvents(look(site), with_acknowledged=with_acknowledged))


def delivered(site: Any) -> list[Any]:
    """What the owner would deliver now."""
    found: list[Any] = []
    after = None
    while items := site.box.read(after, max_events=50, max_bytes=10**6):
        found += items
        last = items[-1]
        after = (
            last.position if not isinstance(last, Gap) else type(found[0].position)(epoch=last.epoch, seq=last.to_seq)
        )
    return found


def bodies(items: list[Any]) -> list[bytes]:
    return [item.body for item in items if not isinstance(item, Gap)]


def values(items: list[Any]) -> list[float]:
    facts = [json.loads(body) for body in bodies(items)]
    return [fact["value"] for fact in facts if fact["type"] == "value"]


def fill(site: Any, rounds: int = 8) -> list[Any]:
    stored = []
    for _ in range(rounds):
        stored += site.box.append(site.news(10))
        site.offline(6, step_s=3)
    return stored + site.box.append(site.news(10))


def status(site: Any, **changes: Any) -> Status:
    snapshot = take_snapshot(inspected(site, **changes))
    return status_of(snapshot, site.clock.stamp().wall_ms / 1000, complaints_of(snapshot))


def contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("is_alive", [True, False])
def test_what_is_seen_is_what_would_be_delivered(site: Any, *, is_alive: bool) -> None:
    site.open(**SMALL)
    stored = fill(site)
    site.acknowledge([*stored[:25], *stored[30:33]])
    site.box.tend()
    expected = delivered(site)
    if not is_alive:
        site.kill()
    found = waiting(site)
    assert bodies(found) == bodies(expected)
    assert len(found) == 91 - 25 - 3
    assert [item for item in found if isinstance(item, Gap)] == []


def test_looking_changes_nothing_and_takes_no_lock(site: Any) -> None:
    site.open(**SMALL)
    fill(site)
    site.kill()
    (site.flash / "0000000000000099.seg").write_bytes(bytes(4096))  # one that a start would release
    (site.flash / "0000000000000098.free").write_bytes(bytes(512))  # one that a start would remove
    before = contents(site.root)
    waiting(site)
    status(site)
    assert contents(site.root) == before
    site.open(**SMALL)


def test_looking_waits_for_no_card(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    site.open(**SMALL)
    stored = fill(site)

    def never(descriptor: int) -> None:
        raise AssertionError("a sync was asked for")

    monkeypatch.setattr("os.fsync", never)
    monkeypatch.setattr("os.fdatasync", never)
    assert values(waiting(site)) == values(stored)
    status(site)


def test_the_disk_refuses_to_write(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Read-only"):
        LookingDisk().open(tmp_path / "new", os.O_RDWR | os.O_CREAT)


def test_delivered_events_are_exported_too_while_they_lie_there_and_make_no_gap(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    site.box.tend()
    site.acknowledge(stored[:75])
    site.box.tend()
    site.kill()
    assert values(waiting(site)) == values(stored)[75:]
    everything = waiting(site, with_acknowledged=True)
    assert [item for item in everything if isinstance(item, Gap)] == []
    assert len(bodies(everything)) > len(stored) - 75
    assert bodies(everything)[-1] == stored[-1].body


def test_a_gap_stands_in_its_place_with_its_cause(site: Any) -> None:
    site.open(segment_size=4096, max_size=4 * 4096)
    for _ in range(60):
        site.box.append(site.news(10))
        site.offline(6, step_s=3)
    site.kill()
    first, *rest = waiting(site)
    assert isinstance(first, Gap)
    assert first.cause is GapCause.LIMIT
    assert not [item for item in rest if isinstance(item, Gap)]
    assert first.to_seq + 1 == rest[0].position.seq
    (drop,) = status(site).drops
    assert (drop.count, drop.cause) == (first.count, GapCause.LIMIT)


def test_a_segment_that_goes_while_it_is_read_is_no_gap(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon delivers and frees; the walk goes on behind what it has given."""
    monkeypatch.setattr("sensor_gateway.outbox.inspection.waiting._EVENTS", 7)
    site.open(**SMALL)
    stored = fill(site, rounds=30)
    site.box.tend()
    found: list[Any] = []
    for number, item in enumerate(WaitingEvents(look(site))):
        found.append(item)
        if number == 20:
            site.acknowledge(delivered(site)[:250])
            site.offline(30, step_s=5)
            assert not (site.flash / "0000000000000001.seg").exists()
    assert [item for item in found if isinstance(item, Gap)] == []
    assert values(found)[-1] == values(stored)[-1]
    assert bodies(found) == sorted(set(bodies(found)), key=bodies(found).index)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_owner_does_a_look_tells_no_gap_and_no_event_twice(
    site: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensor_gateway.outbox.inspection.waiting._EVENTS", 7)
    chance = random.Random(seed)
    site.open(**SMALL)
    for _ in range(25):
        site.box.append(site.news(chance.randrange(1, 30)))
        if chance.random() < 0.6:
            site.offline(chance.randrange(1, 9), step_s=1)
        ready = delivered(site)[: chance.randrange(0, 40)]
        walk = iter(WaitingEvents(look(site)))
        found = [item for _, item in zip(range(chance.randrange(0, 20)), walk, strict=False)]
        site.acknowledge(ready)
        site.offline(chance.randrange(0, 30), step_s=5)
        found += list(walk)
        assert [item for item in found if isinstance(item, Gap)] == []
        seqs = [item.position.seq for item in found]
        assert seqs == sorted(set(seqs))
        assert set(bodies(delivered(site))) <= set(bodies(found)), "what waited throughout is found"


def test_status_counts_both_tiers_and_tells_the_times(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    site.acknowledge(stored[:5])
    site.box.tend()
    found = status(site)
    assert found.owner.is_there
    assert found.owner.pid == os.getpid()
    assert found.waiting == site.box.pending == found.in_memory + found.on_flash
    assert found.in_memory == site.box._opened._parts.tail.count
    assert (found.oldest, found.newest) == (time_of(delivered(site)[0].body), time_of(stored[-1].body))
    assert found.epoch == site.box.epoch
    assert found.flash.waiting > 0
    site.kill()
    again = status(site)
    assert again.owner.is_there is False
    assert (again.waiting, again.oldest, again.newest) == (found.waiting, found.oldest, found.newest)


def test_the_room_lasts_as_long_as_the_backlog_has_grown(site: Any, capsys: pytest.CaptureFixture[str]) -> None:
    site.open(**SMALL)
    for _ in range(40):
        site.box.append(site.news(10))
        site.offline(60, step_s=10)
    found = status(site).flash
    assert found.growth_per_day is not None
    assert found.days_left is not None
    assert found.growth_per_day == pytest.approx(found.waiting / (39 / 60 / 24), rel=0.1)
    assert found.room == 40 * 4096 - found.waiting
    assert found.days_left == pytest.approx(found.room / found.growth_per_day)
    narrow = status(site, keep_free=10**18)
    assert (narrow.flash.room, narrow.flash.days_left) == (0, 0)
    assert checked(replace(narrow, complaints=()), is_configured=True) == 2, (
        "without room it is bad, whatever else is said"
    )
    assert "no room is left" in capsys.readouterr().out


def test_what_the_outbox_can_have_written_bounds_what_it_wrote(site: Any) -> None:
    site.open(**SMALL)
    site.disk.calls.clear()
    written = 0
    sound = site.disk.write_at

    def count(descriptor: int, data: bytes, offset: int) -> int:
        nonlocal written
        written += len(data) if "hot" not in site.disk.paths[descriptor].name else 0
        return int(sound(descriptor, data, offset))

    site.disk.write_at = count
    for _ in range(5):
        site.acknowledge(fill(site, rounds=10))
        site.offline(40, step_s=5)
    assert 0 < written <= status(site).wear.at_most


def test_what_was_made_ready_once_is_not_taken_for_what_is_written_each_day(site: Any) -> None:
    site.open(segment_size=1 << 20, max_size=40 << 20)
    site.box.append(site.news(10))
    site.offline(12, step_s=3)
    wear = status(site, segment_size=1 << 20, max_size=40 << 20).wear
    assert wear.made_ready >= 1 << 20
    (segment,) = take_snapshot(inspected(site)).shelf.segments
    assert segment.end <= wear.at_most - wear.made_ready < 100_000


def test_nothing_waits_in_a_new_outbox_and_a_wrong_place_is_told(site: Any) -> None:
    site.state.mkdir(parents=True)
    assert not holds_an_outbox(site.state)
    site.open(**SMALL)
    assert holds_an_outbox(site.state)
    site.drain()
    site.box.tend()
    found = status(site)
    assert (found.waiting, found.oldest, found.newest) == (0, "", "")
    assert found.flash.days_left is None
    assert waiting(site) == []


def names(site: Any, **changes: Any) -> set[str]:
    return {one.name for one in status(site, **changes).complaints} - {"hot_on_disk"}


def test_each_complaint_has_a_name(site: Any) -> None:
    site.open(**SMALL)
    fill(site)
    assert names(site) == set()
    assert names(site, max_size=4 * 4096, segment_size=4096) == set()
    assert names(site, keep_free=10**18) == {"keep_free"}
    (text,) = [one.text for one in status(site, keep_free=10**18).complaints if one.name == "keep_free"]
    assert re.fullmatch(r"only [\d.]+ [kMGTP]?B are free on the disk, keep_free is 1 EB: no growth", text)
    (site.flash / "cursor-mqtt").rename(site.flash / "elsewhere")
    assert names(site) == {"cursor"}
    (site.flash / "elsewhere").rename(site.flash / "cursor-mqtt")
    (site.flash / "purge,1").touch()
    assert names(site) == {"purge"}
    (site.flash / "purge,1").unlink()
    site.has_hot = False
    assert names(site) == {"hot_unknown"}
    site.has_hot = True
    journal = (site.hot / "hot.log").read_bytes()
    (site.hot / "hot.log").unlink()
    assert names(site) == {"hot"}
    (site.hot / "hot.log").write_bytes(journal)
    identity = (site.flash / "identity").read_bytes()
    (site.flash / "identity").write_bytes(seal({"directory": "f" * 32, "hardware": "x", "client": "y"}))
    assert names(site) == {"strays"}
    (site.flash / "identity").write_bytes(identity.replace(b"outbox 1", b"outbox 9"))
    assert names(site) == {"strays"}


def test_events_of_another_journal_are_counted_and_exported(site: Any) -> None:
    site.open(**SMALL)
    stored = fill(site)
    site.kill()
    (site.flash / "identity").write_bytes(seal({"directory": "f" * 32, "hardware": "x", "client": "y"}))
    walk = WaitingEvents(look(site))
    list(walk)
    assert [*walk.strays][-1] == stored[-1].body
    assert status(site).strays == len(walk.strays)


def test_what_was_put_aside_is_counted(site: Any) -> None:
    site.open(**SMALL)
    fill(site)
    (site.flash / "quarantine").mkdir()
    (site.flash / "quarantine" / "1-2.bin").write_bytes(b"x" * 5000)
    (site.state / "refused-events.jsonl").write_text('{"why":"","event":{}}\n' * 3)
    kept = status(site).kept
    assert (kept.refused_events, kept.pieces) == (3, 1)
    assert kept.piece_bytes >= 5000


def test_the_owner_is_read_from_proc_and_its_runtime_directory_too(tmp_path: Path) -> None:
    place = tmp_path.stat()
    proc = tmp_path / "proc"
    (proc / "77").mkdir(parents=True)
    assert owner_of(tmp_path, proc=proc).is_there is None
    where = f"{os.major(place.st_dev):02x}:{os.minor(place.st_dev):02x}:{place.st_ino}"
    (proc / "locks").write_text(f"1: FLOCK  ADVISORY  WRITE 77 {where} 0 EOF\n")
    assert owner_of(tmp_path, proc=proc).pid == 77
    (proc / "locks").write_text(f"1: FLOCK  ADVISORY  WRITE 0 {where} 0 EOF\n")
    owner = owner_of(tmp_path, proc=proc)
    assert (owner.is_there, owner.pid) == (True, None)
    (proc / "locks").write_text("")
    assert owner_of(tmp_path, proc=proc).is_there is False
    assert runtime_directory_of(77, proc=proc) is None
    (proc / "77" / "environ").write_bytes(b"A=b\0RUNTIME_DIRECTORY=/run/one:/run/two\0")
    assert runtime_directory_of(77, proc=proc) == Path("/run/one")


def test_a_directory_that_may_not_be_read_is_no_empty_outbox(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    site.open(**SMALL)
    fill(site)

    def refuse(self: LookingDisk, path: Path, flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(LookingDisk, "open", refuse)
    with pytest.raises(PermissionError):
        take_snapshot(inspected(site))
