"""Any call to the system may fail, at any moment: the outbox goes on, and what it accepted is delivered."""

from __future__ import annotations

import errno
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.model.event import Gap, GapCause

ROOMY: dict[str, Any] = {"hot_cap": 2**20, "max_size": 2**20, "segment_size": 4096, "hot_slack": 1500}


def values(items: list[Any]) -> list[float]:
    facts = [json.loads(item.body) for item in items if not isinstance(item, Gap)]
    return [fact["value"] for fact in facts if fact["type"] == "value"]


def gaps(items: list[Any]) -> list[Gap]:
    return [item for item in items if isinstance(item, Gap)]


def live(site: Any) -> list[Any]:
    """Online, offline for a while with several segments, and online again."""
    found = site.drain()
    for _ in range(3):
        site.box.append(site.news(2))
        found += site.drain()
    for _ in range(6):
        site.box.append(site.news(10))
        site.offline(6, step_s=3)
    found += site.drain()
    site.offline(12, step_s=3)
    return found


def count_calls(site: Any) -> int:
    site.open(**ROOMY)
    before = site.disk.count
    live(site)
    return int(site.disk.count - before)


CODES = [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EMFILE]


@pytest.mark.parametrize("lasting", [False, True])
def test_whichever_call_fails_everything_is_delivered(
    tmp_path: Path, new_site: Callable[[Path], Any], *, lasting: bool
) -> None:
    first = new_site(tmp_path / "count")
    total = count_calls(first)
    first.kill()
    assert total > 60
    for number in range(1, total + 1):
        site = new_site(tmp_path / f"{number}")
        site.open(**ROOMY)
        site.disk.fail_at(number, CODES[number % len(CODES)], lasting=lasting)
        found = live(site)
        site.disk.heal()
        site.offline(70, step_s=10)
        found += site.drain()
        assert values(found) == [float(value) for value in range(1, 67)], f"after a failure of call {number}"
        assert site.box.counters.dropped == 0
        assert site.box.alarms == ()
        site.kill()


def test_whichever_call_fails_nothing_is_lost_to_a_kill_afterwards(
    tmp_path: Path, new_site: Callable[[Path], Any]
) -> None:
    first = new_site(tmp_path / "count")
    total = count_calls(first)
    first.kill()
    for number in range(1, total + 1):
        site = new_site(tmp_path / f"{number}")
        site.open(**ROOMY)
        site.drain()
        site.disk.fail_at(number, CODES[number % len(CODES)], lasting=False)
        given_out: dict[Any, bytes] = {}
        for _ in range(6):
            given_out.update({item.position: item.body for item in site.box.append(site.news(10))})
            site.offline(6, step_s=3)
        site.kill()
        site.disk.heal()
        site.open(**ROOMY)
        given_out.update({item.position: item.body for item in site.box.append(site.news(1))})
        found = site.drain()
        got = {item.position: item.body for item in found if not isinstance(item, Gap)}
        assert {position: got.get(position) for position in given_out} == given_out, f"failure of call {number}"
        site.kill()


@pytest.mark.parametrize("code", CODES)
def test_whichever_call_fails_at_the_start_it_starts_and_nothing_is_lost(
    tmp_path: Path, new_site: Callable[[Path], Any], code: int
) -> None:
    for number in range(1, 40):
        site = new_site(tmp_path / f"{number}")
        site.open(**ROOMY)
        site.box.append(site.news(30))
        site.offline(12)
        site.box.append(site.news(5))
        site.kill()
        site.disk.fail_at(number, code, lasting=True)
        box = site.open(**ROOMY)
        site.disk.heal()
        site.offline(40, step_s=10)
        found = site.drain()
        assert box.append(site.news(1))
        site.kill()
        site.open(**ROOMY)
        found += site.drain()
        missing = set(range(1, 37)) - {int(value) for value in values(found)}
        announced = sum(gap.count for gap in gaps(found))
        if code == errno.EIO and missing:
            # A medium that does not give a segment back: said, and announced unless the whole epoch's end is unknown.
            assert "outbox_segments_not_readable" in site.log.names()
            assert announced in {0, len(missing), len(missing) + 1}
        else:
            assert not missing, f"after a failure of call {number}"
            assert not announced
        site.kill()


def test_a_journal_that_cannot_be_read_at_the_start_is_taken_in_later(site: Any) -> None:
    site.open(**ROOMY)
    site.box.append(site.news(5))
    site.kill()
    site.disk.rule = lambda call, path: errno.EMFILE if call == "open" and path.endswith("hot.log") else None
    site.open(**ROOMY)
    assert "outbox_hot" in site.box.alarms
    site.box.append(site.news(1))
    before = (site.hot / "hot.log").read_bytes()
    site.offline(30)
    assert (site.hot / "hot.log").read_bytes() == before
    site.disk.heal()
    site.offline(60)
    assert site.box.alarms == ()
    site.kill()
    site.open(**ROOMY)
    assert sorted(values(site.drain())) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def with_a_late_directory(site: Any) -> None:
    """Started while the directory could not be made; it is made, and written to, once the disk is healed."""
    site.disk.fail("make_directory", str(site.flash), errno.EROFS)
    site.open(**ROOMY)
    site.box.append(site.news(5))
    assert not site.flash.exists()
    site.disk.heal()
    site.disk.calls.clear()


def syncs_of_the_directory_above(site: Any) -> int:
    return int(site.disk.calls.count(("sync", site.state.name)))


def test_a_directory_that_could_only_be_made_late_is_safe_by_name_before_anything_in_it_counts(site: Any) -> None:
    with_a_late_directory(site)
    site.offline(60)
    calls = site.disk.calls
    made, first = calls.index(("make_directory", site.flash.name)), calls.index(("sync_data", "cursor-mqtt"))
    assert ("sync", site.state.name) in calls[made:first]
    assert site.box.alarms == ()


def test_the_name_of_a_late_directory_is_synced_until_that_was_answered_well_and_no_longer(site: Any) -> None:
    with_a_late_directory(site)
    site.disk.rule = lambda call, path: errno.EIO if (call, path) == ("sync", str(site.state)) else None
    site.offline(60)
    assert "outbox_flash" in site.box.alarms
    assert site.box._tiers._tail.count == 6, "nothing is safe in a directory whose name is not"
    site.disk.heal()
    site.offline(120)
    assert syncs_of_the_directory_above(site) == 1
    assert site.box.alarms == ()
    assert site.box._tiers._tail.count == 0
    site.cut_power()
    site.open(**ROOMY)
    assert values(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_the_name_of_a_directory_is_synced_again_by_the_next_process_and_when_it_was_made_anew(site: Any) -> None:
    """Nobody knows of the one before whether it got so far."""
    with_a_late_directory(site)
    site.kill()
    site.open(**ROOMY)
    site.disk.calls.clear()
    site.offline(60)
    assert syncs_of_the_directory_above(site) == 1
    shutil.rmtree(site.flash)
    site.disk.calls.clear()
    site.offline(120)
    assert syncs_of_the_directory_above(site) == 1
    site.offline(120)
    assert syncs_of_the_directory_above(site) == 1


def test_a_cursor_that_cannot_be_read_at_the_start_costs_nothing_in_the_end(site: Any) -> None:
    site.open(**ROOMY)
    site.box.append(site.news(5))
    site.offline(30)
    site.kill()
    site.disk.fail("open", "cursor-mqtt", errno.EMFILE)
    site.open(**ROOMY)
    assert "outbox_flash" in site.box.alarms
    site.box.append(site.news(3))
    site.drain()
    site.disk.heal()
    site.kill()
    site.open(**ROOMY)
    assert site.box.alarms == ()
    assert values(site.drain())[:5] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_damage_at_the_end_of_an_epoch_that_ended_in_order_is_announced(site: Any) -> None:
    site.open(**ROOMY)
    site.box.append(site.news(5))
    site.offline(12)
    site.box.append(site.news(3))
    site.box.close(to_flash=True)
    site.cut_power()
    segment = max(site.flash.glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[len(data.rstrip(b"\0")) - 5] ^= 1
    segment.write_bytes(data)
    site.open(**ROOMY)
    found = site.drain()
    assert values(found) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert [(gap.from_seq, gap.to_seq) for gap in gaps(found)] == [(7, 9)]


@pytest.mark.parametrize("further_starts", [0, 1])
def test_damage_below_what_was_acknowledged_at_the_end_of_an_epoch_is_announced(site: Any, further_starts: int) -> None:
    """Only the acknowledgement still knows how far the epoch went."""
    box = site.open(**ROOMY)
    for _ in range(5):
        box.append(site.news(1))
    last = box.read(None, max_events=10, max_bytes=10**6)[-1]
    assert last.position.seq == 6
    site.acknowledge([last])
    box.tend()
    site.kill()
    hot = site.hot / "hot.log"
    data = bytearray(hot.read_bytes())
    records = [at for at in range(len(data)) if data.startswith(b"SGW1", at)]
    for at in records[-3:-1]:
        data[at + 20] ^= 1
    hot.write_bytes(data)
    for _ in range(further_starts):
        site.open(**ROOMY)
        site.kill()
        site.clock.advance(1)
    site.open(**ROOMY)
    found = site.drain()
    assert values(found) == [1.0, 2.0, 3.0]
    assert [(gap.from_seq, gap.to_seq) for gap in gaps(found)] == [(5, 5)]
    assert site.box.acknowledged_through.epoch == site.box.epoch


def test_an_unreadable_segment_stops_reading_and_not_the_rest(site: Any) -> None:
    site.open(**ROOMY)
    site.box.append(site.news(10))
    site.offline(12)
    site.box.append(site.news(3))
    site.disk.fail("read_at", ".seg")
    assert site.box.read(None, max_events=10, max_bytes=10**6) == []
    assert site.box.append(site.news(1))
    site.disk.heal()
    assert values(site.drain()) == [float(number) for number in range(1, 15)]


def damaged(site: Any, chance: random.Random, kind: str) -> tuple[int, int]:
    """Damage one segment; gives the first and last byte that changed."""
    segments = sorted(site.flash.glob("*.seg"))
    path = chance.choice(segments)
    data = bytearray(path.read_bytes())
    used = len(data.rstrip(b"\0"))
    if kind == "flip":
        place = chance.randrange(used)
        data[place] ^= 1 << chance.randrange(8)
        span = (place, place)
    elif kind == "zeros":
        place = chance.randrange(used)
        data[place : place + 512] = bytes(len(data[place : place + 512]))
        span = (place, place + 511)
    else:
        place = chance.randrange(used)
        del data[place:]
        span = (place, used)
    path.write_bytes(data)
    return span


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["flip", "zeros", "cut"]))
def test_damage_on_flash_costs_what_it_touches_and_is_announced(
    tmp_path_factory: Any, new_site: Callable[[Path], Any], seed: int, kind: str
) -> None:
    site = new_site(tmp_path_factory.mktemp("site"))
    site.open(**ROOMY)
    for _ in range(12):
        site.box.append(site.news(10))
        site.offline(6, step_s=3)
    site.offline(12, step_s=3)
    site.kill()
    damaged(site, random.Random(seed), kind)
    site.open(**ROOMY)
    site.box.append(site.news(1))
    found = site.drain()
    got = values(found)
    assert got == sorted(set(got))
    assert set(got) <= {float(number) for number in range(1, 122)}
    missing = {seq for gap in gaps(found) for seq in range(gap.from_seq or 0, (gap.to_seq or 0) + 1)}
    assert {number + 1 for number in range(122)} == {int(value) + 1 for value in got} | {1} | missing
    if kind == "flip":
        assert len(missing) <= 10
    assert {gap.cause for gap in gaps(found)} <= {GapCause.DAMAGE, GapCause.UNKNOWN}
    site.kill()


def test_a_piece_that_was_damaged_is_kept_once_and_counted(site: Any) -> None:
    site.open(**ROOMY)
    for _ in range(4):
        site.box.append(site.news(10))
        site.offline(6, step_s=3)
    site.kill()
    segment = min(site.flash.glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[300] ^= 4
    segment.write_bytes(data)
    site.open(**ROOMY)
    for _ in range(3):
        site.box.read(None, max_events=1000, max_bytes=10**7)
    assert site.box.counters.damaged == 1
    (piece,) = (site.flash / "quarantine").iterdir()
    assert piece.read_bytes() in bytes(data)
    found = site.drain()
    assert [gap.cause for gap in gaps(found)] == [GapCause.DAMAGE]


@pytest.mark.parametrize(
    ("which", "cost", "remedy"),
    [
        ("state", "no event that waits outlives a power cut", "write to"),
        ("hot", "goes to the card at once", "name another"),
    ],
)
def test_a_directory_that_cannot_be_used_is_told_with_what_that_costs_and_a_remedy(
    site: Any, which: str, cost: str, remedy: str
) -> None:
    directory = getattr(site, which)
    directory.write_text("a file is in the way")
    site.open(**ROOMY)
    ((_, facts),) = [line for line in site.log.lines if line[0] == "outbox_directory_not_usable"]
    assert (facts["directory"], facts["reason"]) == (str(directory), "File exists")
    assert cost in facts["mind"]
    assert remedy in facts["mind"]
    directory.unlink()
    directory.mkdir()
    site.box.append(site.news(1))
    site.offline(60)
    assert site.box.alarms == (), "it is tried again"
    site.kill()
    site.open(**ROOMY)
    assert values(site.drain()) == [1.0]


def test_any_rubbish_in_any_file_does_not_stop_the_start(site: Any) -> None:
    chance = random.Random(5)
    site.open(**ROOMY)
    site.box.append(site.news(30))
    site.offline(12)
    for _ in range(25):
        site.kill()
        for path in [*site.flash.glob("*"), *site.hot.glob("*")]:
            if path.is_file() and chance.random() < 0.5:
                data = bytearray(path.read_bytes())
                for _ in range(chance.randrange(1, 20)):
                    data[chance.randrange(max(len(data), 1))] = chance.randrange(256)
                path.write_bytes(data[: chance.choice([len(data), len(data) // 2, 0])])
        (site.flash / "0000000000000000.seg").write_bytes(b"")
        (site.flash / "rubbish.seg").write_bytes(b"x")
        box = site.open(**ROOMY)
        assert box.append(site.news(3))
        site.offline(12)
        site.drain()


def test_a_lost_cursor_means_duplicates_and_no_loss(site: Any) -> None:
    site.open(**ROOMY)
    for _ in range(3):
        site.box.append(site.news(10))
        site.offline(6, step_s=3)
    items = site.box.read(None, max_events=11, max_bytes=10**6)
    site.acknowledge(items)
    site.offline(12)
    site.cut_power()
    (site.flash / "cursor-mqtt").unlink()
    site.open(**ROOMY)
    found = site.drain()
    assert gaps(found) == []
    assert values(found) == [float(number) for number in range(1, 31)]
