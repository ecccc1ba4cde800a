"""Each kind of damage is found where it is, told for what it is, and nothing else is."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.model.event import Gap, GapCause
from sensor_gateway.outbox.files.hot import HOT_HEADER_SIZE
from sensor_gateway.outbox.files.record import scan
from sensor_gateway.outbox.inspection.check import Report, check
from sensor_gateway.outbox.inspection.complaints import complaints_of
from sensor_gateway.outbox.inspection.damage import Damage, Wrong
from sensor_gateway.outbox.inspection.looking import LookingDisk
from sensor_gateway.outbox.inspection.snapshot import Inspected, Snapshot, take_snapshot
from sensor_gateway.outbox.inspection.status import status_of
from sensor_gateway.outbox.inspection.waiting import WaitingEvents
from sensor_gateway.outbox.recovery import Places

SMALL: dict[str, Any] = {"segment_size": 4096, "max_size": 40 * 4096}


def inspected(site: Any) -> Inspected:
    places = Places(state_directory=site.state, hot_directory=site.hot)
    return Inspected(places=places, settings=site.settings(**SMALL))


def look(site: Any) -> Snapshot:
    return take_snapshot(inspected(site))


def verify(site: Any, pause: Callable[[], object] = lambda: None) -> Report:
    return check(lambda: look(site), pause)


def the_damage(site: Any) -> Damage:
    (found,) = verify(site).damage
    return found


def fill(site: Any, rounds: int = 16) -> list[Any]:
    """Several segments, a free one, ten events in memory; nothing delivered."""
    site.open(**SMALL)
    stored = []
    for _ in range(rounds):
        stored += site.box.append(site.news(10))
        site.offline(6, step_s=3)
    return stored + site.box.append(site.news(10))


def segments(site: Any) -> list[Path]:
    return sorted(site.flash.glob("*.seg"))


def records(path: Path) -> list[tuple[Any, int]]:
    generation = int(path.stem) if path.suffix == ".seg" else 0
    start = 0 if generation else HOT_HEADER_SIZE
    return [(header, at) for header, at, _ in scan(path.read_bytes(), generation=generation, start=start)]


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def flip(path: Path, offset: int) -> None:
    overwrite(path, offset, bytes([path.read_bytes()[offset] ^ 0x10]))


def announced(site: Any) -> list[tuple[int, int]]:
    """What the next start announces as missing without a known cause."""
    site.kill()
    site.open(**SMALL)
    gaps = [item for item in site.drain() if isinstance(item, Gap)]
    return [(gap.from_seq, gap.to_seq) for gap in gaps if gap.cause in {GapCause.DAMAGE, GapCause.UNKNOWN}]


def test_a_sound_outbox_is_sound_alive_and_dead(site: Any) -> None:
    stored = fill(site)
    for _ in range(2):
        report = verify(site)
        assert report.damage == []
        assert report.segments == len(segments(site)) > 2
        assert report.events >= len(stored)
        site.kill()
    site.open(**SMALL)
    site.drain()
    site.offline(30, step_s=5)
    report = verify(site)
    assert (report.damage, report.segments) == ([], 0)
    assert report.free > 0


def test_flipping_a_byte_of_a_record_finds_exactly_that_record(site: Any) -> None:
    fill(site)
    site.kill()
    path = segments(site)[1]
    whole = path.read_bytes()
    for header, at in records(path)[:2]:
        for offset in (0, 5, 9, 12, 17, 30, 50, 95, header.extent - 1):
            flip(path, at + offset)
            found = the_damage(site)
            assert (found.file, found.offset, found.length) == (path.name, at, header.extent), offset
            assert found.wrong is Wrong.CHECKSUM
            assert [(lost.first, lost.last) for lost in found.lost] == [(header.first_seq, header.last_seq)]
            assert found.events == header.count
            path.write_bytes(whole)
    header, at = records(path)[0]
    flip(path, at + 100)
    assert announced(site) == [(header.first_seq, header.last_seq)]


def test_a_flipped_byte_in_the_hot_journal_costs_that_event_and_begins_an_epoch(site: Any) -> None:
    fill(site)
    for _ in range(4):
        site.box.append(site.news(1))
    site.kill()
    path = site.hot / "hot.log"
    header, at = records(path)[-2]
    flip(path, at + 100)
    found = the_damage(site)
    assert (found.file, found.offset, found.length, found.wrong) == (
        "hot.log", at, header.extent, Wrong.CHECKSUM,
    )  # fmt: skip
    assert (found.events, "new epoch" in found.then) == (1, True)
    assert announced(site) == [(header.first_seq, header.last_seq)]


def test_a_damaged_header_of_the_hot_journal_is_told(site: Any) -> None:
    fill(site)
    site.kill()
    flip(site.hot / "hot.log", 20)
    found = the_damage(site)
    assert (found.file, found.offset, found.length) == ("hot.log", 0, HOT_HEADER_SIZE)


def test_a_torn_end_of_the_hot_journal_costs_at_most_its_record(site: Any) -> None:
    fill(site)
    site.kill()
    path = site.hot / "hot.log"
    header, at = records(path)[-1]
    path.write_bytes(path.read_bytes()[:-7])
    found = the_damage(site)
    assert (found.offset, found.wrong, found.events) == (at, Wrong.TORN, header.count)


def test_a_torn_record_at_the_end_of_the_newest_segment_is_written_over(site: Any) -> None:
    fill(site)
    site.kill()
    path = segments(site)[-1]
    header, at = records(path)[-1]
    half = header.extent // 2
    overwrite(path, at + half, bytes(4096 - at - half))
    found = the_damage(site)
    assert (found.file, found.offset, found.length, found.wrong) == (path.name, at, header.extent, Wrong.TORN)
    assert "written over" in found.then


def test_zeros_where_a_record_was_are_told_as_such(site: Any) -> None:
    fill(site)
    site.kill()
    path = segments(site)[1]
    header, at = records(path)[0]
    overwrite(path, at, bytes(header.extent))
    found = the_damage(site)
    assert (found.offset, found.length, found.wrong, found.events) == (at, header.extent, Wrong.ZEROED, header.count)


def test_a_segment_of_zeros_in_the_middle_costs_all_it_held(site: Any) -> None:
    fill(site)
    site.kill()
    path = segments(site)[1]
    lost = sum(header.count for header, _ in records(path))
    overwrite(path, 0, bytes(4096))
    found = the_damage(site)
    assert (found.file, found.wrong, found.events) == (path.name, Wrong.ZEROED, lost)


def test_a_segment_that_was_made_ready_and_never_written_is_no_damage(site: Any) -> None:
    fill(site)
    site.kill()
    number = int(segments(site)[-1].stem) + 1
    (site.flash / f"{number:016d}.seg").write_bytes(segments(site)[0].read_bytes())
    assert verify(site).damage == []


def test_a_record_of_another_generation_is_told_as_such(site: Any) -> None:
    fill(site)
    site.kill()
    older, path = segments(site)[:2]
    header, at = records(path)[0]
    other, place = records(older)[0]
    piece = older.read_bytes()[place : place + other.extent]
    overwrite(path, at, piece[: header.extent].ljust(header.extent, b"\0"))
    found = the_damage(site)
    assert (found.offset, found.length) == (at, header.extent)
    assert found.wrong is (Wrong.GENERATION if other.extent <= header.extent else Wrong.CHECKSUM)
    shutil.copy(older, path)
    assert [one.wrong for one in verify(site).damage] == [Wrong.GENERATION]


def test_a_segment_that_somebody_deleted_is_a_hole_in_the_seqs(site: Any) -> None:
    fill(site)
    site.kill()
    path = segments(site)[1]
    first, last = records(path)[0][0], records(path)[-1][0]
    path.unlink()
    found = the_damage(site)
    assert (found.wrong, found.file) == (Wrong.HOLE, segments(site)[1].name)
    assert [(lost.first, lost.last) for lost in found.lost] == [(first.first_seq, last.last_seq)]
    assert announced(site) == [(first.first_seq, last.last_seq)]


def test_a_truncated_segment_is_torn(site: Any) -> None:
    fill(site)
    site.kill()
    path = segments(site)[1]
    header, at = records(path)[-1]
    path.write_bytes(path.read_bytes()[: at + 50])
    found = the_damage(site)
    assert (found.file, found.offset, found.length, found.wrong) == (path.name, at, 50, Wrong.TORN)
    assert found.events == header.count


def test_what_a_cut_at_the_end_costs_is_judged_by_what_the_hot_journal_knows(site: Any) -> None:
    fill(site)
    site.offline(60, step_s=3)
    site.kill()
    path = segments(site)[-1]
    kept, at = records(path)[0]
    path.write_bytes(path.read_bytes()[: at + kept.extent])
    found = the_damage(site)
    assert (found.file, found.wrong) == (path.name, Wrong.TORN)
    assert [(lost.first, lost.last) for lost in found.lost] == [(kept.last_seq + 1, 171)]
    assert found.events == 171 - kept.last_seq


def test_a_cut_with_nothing_behind_it_costs_at_least_what_is_torn(site: Any) -> None:
    fill(site)
    site.offline(60, step_s=3)
    site.cut_power()
    path = segments(site)[-1]
    whole = path.read_bytes()
    header, at = records(path)[-1]
    path.write_bytes(whole[: at + 120])
    found = the_damage(site)
    assert (found.wrong, found.events, found.is_least) == (Wrong.TORN, header.count, True)
    path.write_bytes(whole[:at])
    found = the_damage(site)
    assert (found.wrong, found.events, found.is_least) == (Wrong.TORN, 0, True)


@pytest.mark.parametrize("is_in_order", [False, True])
def test_segments_that_are_all_gone_are_missed_where_anything_knows_of_them(site: Any, *, is_in_order: bool) -> None:
    fill(site)
    site.offline(60, step_s=3)
    if is_in_order:
        site.box.close(to_flash=True)
        site.cut_power()
    else:
        site.kill()
    for path in segments(site):
        path.unlink()
    found = the_damage(site)
    assert (found.wrong, [(lost.first, lost.last) for lost in found.lost]) == (Wrong.HOLE, [(1, 171)])
    site.open(**SMALL)
    site.box.append(site.news(1))
    assert announced(site) == [(1, 171)]


def test_a_segment_that_only_the_cursor_knows_is_missed(site: Any) -> None:
    fill(site)
    site.acknowledge(site.box.read(None, max_events=1, max_bytes=1))
    site.offline(30, step_s=5)
    site.cut_power()
    for path in [*segments(site), *site.flash.glob("*.free")]:
        path.unlink()
    found = the_damage(site)
    assert (found.wrong, found.events) == (Wrong.MISSING, None)


def test_an_epoch_that_is_lost_altogether_is_announced_up_to_its_known_end(site: Any) -> None:
    fill(site)
    site.box.close(to_flash=True)
    site.cut_power()
    site.open(**SMALL)
    site.box.append(site.news(4))
    before = {path.name for path in segments(site)}
    site.box.close(to_flash=True)
    site.cut_power()
    newest = [path for path in segments(site) if path.name not in before] or segments(site)[-1:]
    site.open(**SMALL)
    lost = [(header.first_seq, header.last_seq) for header, _ in records(newest[-1]) if header.epoch.ordinal == 2]
    assert lost
    newest[-1].unlink()
    assert lost[-1] in announced(site)


def test_the_status_counts_what_can_be_read_and_alarms_of_the_rest(site: Any) -> None:
    fill(site)
    site.kill()
    snapshot = look(site)
    sound = status_of(snapshot, 0.0, complaints_of(snapshot))
    assert (sound.waiting, [one.name for one in sound.complaints if one.name == "damage"]) == (171, [])
    path = segments(site)[1]
    header, at = records(path)[1]
    overwrite(path, at, bytes(header.extent))
    snapshot = look(site)
    status = status_of(snapshot, 0.0, complaints_of(snapshot))
    assert status.waiting == 171 - header.count
    (alarm,) = [one.text for one in status.complaints if one.name == "damage"]
    assert alarm.startswith(f"{header.count} events")
    assert "outbox verify" in alarm


def test_the_status_alarms_of_segments_that_are_all_gone(site: Any) -> None:
    fill(site)
    site.offline(60, step_s=3)
    site.kill()
    for path in segments(site):
        path.unlink()
    snapshot = look(site)
    status = status_of(snapshot, 0.0, complaints_of(snapshot))
    assert [one.text[:11] for one in status.complaints if one.name == "damage"] == ["171 events "]


def test_damage_in_what_was_delivered_costs_nothing(site: Any) -> None:
    stored = fill(site)
    while items := site.box.read(None, max_events=50, max_bytes=10**6):
        site.acknowledge(items)
        if items[-1].position.seq > 90:
            break
    site.box.tend()
    site.kill()
    path = segments(site)[0]
    flip(path, records(path)[0][1] + 100)
    found = the_damage(site)
    assert (found.wrong, found.events) == (Wrong.CHECKSUM, 0)
    assert "gap" not in found.then
    assert len(stored) == 170


def test_events_dropped_by_a_limit_are_no_damage(site: Any) -> None:
    site.open(segment_size=4096, max_size=4 * 4096)
    for _ in range(60):
        site.box.append(site.news(10))
        site.offline(6, step_s=3)
    site.kill()
    assert verify(site).damage == []


@pytest.mark.parametrize("slot", [0, 1])
def test_one_bad_slot_of_the_cursor_leaves_the_other(site: Any, slot: int) -> None:
    fill(site)
    site.acknowledge(site.box.read(None, max_events=1, max_bytes=1))
    site.offline(30, step_s=5)
    site.kill()
    path = site.flash / "cursor-mqtt"
    flip(path, slot * 4096 + 20)
    found = the_damage(site)
    assert (found.file, found.offset, found.wrong, found.events) == ("cursor-mqtt", slot * 4096, Wrong.CHECKSUM, 0)
    assert "other slot" in found.then
    path.write_bytes(bytes(8192))
    assert {one.wrong for one in verify(site).damage} == {Wrong.ZEROED}
    path.unlink()
    assert [one.wrong for one in verify(site).damage] == [Wrong.MISSING]


@pytest.mark.parametrize("junk", [b"junk", b"junk" * 2048])
def test_a_cursor_of_junk_is_one_damage_and_wakes_what_was_purged(site: Any, junk: bytes) -> None:
    fill(site)
    site.kill()
    (site.flash / "cursor-mqtt").write_bytes(junk)
    found = the_damage(site)
    assert (found.file, found.offset, found.length, found.events) == ("cursor-mqtt", 0, len(junk), 0)
    assert "purged" in found.then


@pytest.mark.parametrize("name", ["identity", "epoch"])
def test_a_small_file_that_is_bad_or_gone_is_told(site: Any, name: str) -> None:
    fill(site)
    site.kill()
    flip(site.flash / name, 30)
    assert (name, Wrong.CHECKSUM) in {(one.file, one.wrong) for one in verify(site).damage}
    (site.flash / name).unlink()
    assert (name, Wrong.MISSING) in {(one.file, one.wrong) for one in verify(site).damage}


def test_a_file_that_the_medium_does_not_give_back_is_told(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(site)
    site.kill()
    bad = segments(site)[1]
    sound = LookingDisk.open

    def opened(self: LookingDisk, path: Path, flags: int) -> int:
        if path == bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return sound(self, path, flags)

    monkeypatch.setattr(LookingDisk, "open", opened)
    assert (bad.name, Wrong.UNREADABLE) in {(one.file, one.wrong) for one in verify(site).damage}


def test_a_record_that_is_being_written_is_no_damage_while_its_writer_lives(site: Any) -> None:
    """At the first look half of it is there, at the second all of it; and a half that stays is damage."""
    fill(site)
    hot, cold = site.hot / "hot.log", segments(site)[-1]
    whole_hot, whole_cold = hot.read_bytes(), cold.read_bytes()
    header, at = records(cold)[-1]

    def tear() -> None:
        hot.write_bytes(whole_hot[:-30])
        overwrite(cold, at + header.extent // 2, bytes(4096 - at - header.extent // 2))

    def finish() -> None:
        hot.write_bytes(whole_hot)
        cold.write_bytes(whole_cold)

    tear()
    assert verify(site, finish).damage == []
    tear()
    assert {one.file for one in verify(site, tear).damage} == {"hot.log", cold.name}


def test_each_look_counts_only_what_is_still_so(site: Any) -> None:
    fill(site)
    one, other = segments(site)[:2]
    flip(one, records(one)[0][1] + 100)
    flip(other, records(other)[0][1] + 100)
    whole = bytearray(other.read_bytes())
    assert len(verify(site).damage) == 2
    whole[records(other)[0][1] + 100] ^= 0x10
    assert [damage.file for damage in verify(site, lambda: other.write_bytes(whole)).damage] in (
        [one.name], [one.name, other.name],
    )  # fmt: skip


PIECES = st.lists(
    st.tuples(
        st.integers(0, 10**6),  # which file
        st.integers(0, 10**6),  # where in it
        st.one_of(st.binary(min_size=1, max_size=200), st.sampled_from([b"SGW1", b"SGC1", b"SGH\x01", bytes(4096)])),
        st.sampled_from(["write", "cut", "insert", "remove", "empty", "copy"]),
    ),
    min_size=1,
    max_size=6,
)


def maul(site: Any, pieces: list[tuple[int, int, bytes, str]]) -> None:
    for which, where, data, how in pieces:
        files = sorted(path for path in site.root.rglob("*") if path.is_file())
        if not files:
            return
        path = files[which % len(files)]
        whole = path.read_bytes()
        at = where % (len(whole) + 1)
        changes = {
            "write": whole[:at] + data + whole[at + len(data) :],
            "cut": whole[:at],
            "insert": whole[:at] + data + whole[at:],
            "empty": b"",
            "copy": files[where % len(files)].read_bytes(),
        }
        if how == "remove":
            path.unlink()
        else:
            path.write_bytes(changes[how])


@given(pieces=PIECES)
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_files_may_hold_makes_a_command_fail(
    tmp_path: Path, new_site: Callable[[Path], Any], pieces: list[Any]
) -> None:
    mould = tmp_path / "mould"
    if not mould.exists():
        first = new_site(mould)
        fill(first, rounds=6)
        first.kill()
    shutil.rmtree(tmp_path / "mauled", ignore_errors=True)
    shutil.copytree(mould, tmp_path / "mauled")
    site = new_site(tmp_path / "mauled")
    maul(site, pieces)
    if not site.state.exists():
        return
    snapshot = look(site)
    status_of(snapshot, 0.0, complaints_of(snapshot))
    verify(site)
    for is_all in (False, True):
        walk = WaitingEvents(lambda: look(site), with_acknowledged=is_all)
        for item in walk:
            assert isinstance(item, Gap) or item.body is not None
    site.open(**SMALL)
    site.drain()
    site.kill()
