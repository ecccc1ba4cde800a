"""The clauses of identity: no (epoch, seq) is ever seen with two contents, and borders say what is known."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.event import Gap
from sensor_gateway.outbox import opening
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.locks import AlreadyRunning, holder_in
from sensor_gateway.outbox.identity import Machine, read_epoch, read_identity, seal, unseal, write_identity
from sensor_gateway.outbox.settings import Durability
from sensor_gateway.outbox.tiers import lookout

pytestmark = pytest.mark.usefixtures("_one_content")
Fields = dict[str, Any]


@pytest.fixture
def _one_content() -> None:
    """Each test below also goes through ``contents``, which fails on a position with two contents."""


def fields(items: list[Any]) -> list[Fields]:
    return [json.loads(item.body) for item in items if not isinstance(item, Gap)]


def values(items: list[Any]) -> list[float]:
    return [fact["value"] for fact in fields(items) if fact["type"] == "value"]


def contents(*lots: list[Any]) -> dict[tuple[str, int], bytes]:
    """Everything that was ever handed out, by position."""
    seen: dict[tuple[str, int], bytes] = {}
    for item in [item for lot in lots for item in lot if not isinstance(item, Gap)]:
        place = (str(item.position.epoch), item.position.seq)
        assert seen.setdefault(place, item.body) == item.body, f"{place} has two contents"
    return seen


def test_the_first_event_of_an_epoch_names_it_and_has_seq_1(site: Any) -> None:
    site.open()
    first = site.drain()[0]
    facts = json.loads(first.body)
    assert (facts["type"], facts["seq"], facts["previous"], facts["previous_last_seq"]) == ("epoch", 1, None, None)
    assert facts["epoch"] == str(site.box.epoch)


def test_the_epoch_is_on_flash_before_its_first_seq_is_given_out(site: Any) -> None:
    site.open()
    calls = site.disk.calls
    stored = calls.index(("replace", "epoch"))
    assert ("sync", "outbox") in calls[stored:]
    assert calls.index(("write", "hot.log.new")) > stored
    assert read_epoch(Disk(), site.flash).epoch == site.box.epoch


def test_a_start_writes_one_epoch_and_a_restart_that_goes_on_writes_nothing(site: Any) -> None:
    site.open()
    assert site.disk.calls.count(("replace", "epoch")) == 1
    site.kill()
    site.disk.calls.clear()
    site.open()
    assert not [name for call, name in site.disk.calls if call in {"write_at", "replace"} and "epoch" in name]


@pytest.mark.parametrize("kept", ["epoch", "cursor-mqtt", "*.seg", "hot.log"])
def test_a_new_ordinal_is_above_every_readable_one_wherever_it_stands(site: Any, kept: str) -> None:
    for _ in range(4):
        site.open().append(site.news(3))
        site.offline(30)
        site.cut_power()
    box = site.open()
    box.append(site.news(3))
    site.offline(30)
    site.acknowledge(box.read(None, max_events=100, max_bytes=10**6))
    box.append(site.news(3))
    site.offline(30)
    epoch = box.epoch
    site.kill()
    found = [path for path in [*site.flash.iterdir(), site.hot / "hot.log"] if path.is_file()]
    assert any(path.match(kept) for path in found)
    for path in found:
        if not path.match(kept):
            path.unlink()
    assert site.open().epoch.ordinal == epoch.ordinal + 1 == 6


def test_a_restart_goes_on_with_the_same_epoch_and_the_next_seq(site: Any) -> None:
    box = site.open()
    before = site.drain() + box.append(site.news(3))
    epoch = box.epoch
    box.close(to_flash=False)
    site.kill()
    box = site.open()
    assert box.epoch == epoch
    after = box.append(site.news(2))
    assert [item.position.seq for item in after] == [5, 6]
    contents(before, after, site.drain())


def test_kill_right_after_hot_was_emptied_gives_no_seq_twice(site: Any) -> None:
    box = site.open()
    site.drain()
    given: list[Any] = []
    for _ in range(40):
        given += box.append(site.news(5))
        site.drain()
    assert (site.hot / "hot.log").stat().st_size < 8192
    site.kill()
    box = site.open()
    later = box.append(site.news(1))
    assert later[0].position.seq == given[-1].position.seq + 1
    contents(given, later)


@pytest.mark.parametrize("call", ["open", "replace"])
def test_a_journal_is_replaced_whole_or_not_at_all(site: Any, call: str) -> None:
    box = site.open()
    site.drain()
    given: list[Any] = []
    site.disk.rule = lambda asked, path: errno.EIO if asked == call and "hot.log" in path else None
    for _ in range(7):
        given += box.append(site.news(5))
        site.drain()
    assert (site.hot / "hot.log").stat().st_size > 2 * 4096
    site.kill()
    site.disk.heal()
    assert site.open().epoch == box.epoch
    later = site.box.append(site.news(1))
    assert later[0].position.seq == given[-1].position.seq + 1
    contents(given, later)


def test_what_was_being_written_beside_the_journal_proves_nothing(site: Any) -> None:
    """The process died while the new journal was written; what is left of it is not looked at."""
    given = site.open().append(site.news(3))
    site.kill()
    (site.hot / "hot.log").rename(site.hot / "hot.log.new")
    box = site.open()
    assert box.epoch > given[0].position.epoch
    contents(given, box.append(site.news(3)))


@pytest.mark.parametrize("cut", [1, 5, 100])
def test_a_torn_tail_begins_a_new_epoch_and_keeps_what_is_whole(site: Any, cut: int) -> None:
    box = site.open()
    given = box.append(site.news(1)) + box.append(site.news(1)) + box.append(site.news(1))
    epoch = box.epoch
    site.kill()
    hot = site.hot / "hot.log"
    os.truncate(hot, hot.stat().st_size - cut)
    box = site.open()
    assert box.epoch.ordinal == epoch.ordinal + 1
    later = site.drain() + box.append(site.news(2))
    assert values(later)[:2] == [1.0, 2.0]
    contents(given, later)
    start = next(fact for fact in fields(later) if fact["epoch"] == str(box.epoch))
    assert (start["previous"], start["previous_last_seq"]) == (str(epoch), None)


@pytest.mark.parametrize("place", [3, 9, 45, 60, 120, 300, 700])
def test_a_flipped_bit_anywhere_in_hot_begins_a_new_epoch(site: Any, place: int) -> None:
    box = site.open()
    given = [item for _ in range(4) for item in box.append(site.news(1))]
    epoch = box.epoch
    site.kill()
    hot = site.hot / "hot.log"
    data = bytearray(hot.read_bytes())
    data[place] ^= 16
    hot.write_bytes(data)
    box = site.open()
    assert box.epoch > epoch
    later = site.drain() + box.append(site.news(1))
    contents(given, later)
    assert len([value for value in values(later) if value <= 4]) >= 3


def test_a_journal_without_one_of_its_records_begins_a_new_epoch(site: Any) -> None:
    box = site.open()
    site.drain()
    box.tend()
    hot = site.hot / "hot.log"
    sizes = [hot.stat().st_size]
    for _ in range(3):
        box.append(site.news(1))
        sizes.append(hot.stat().st_size)
    epoch = box.epoch
    site.kill()
    data = hot.read_bytes()
    hot.write_bytes(data[: sizes[1]] + data[sizes[2] :])
    box = site.open()
    assert box.epoch > epoch
    found = site.drain()
    assert values(found) == [1.0, 3.0]
    assert [(item.from_seq, item.to_seq) for item in found if isinstance(item, Gap)] == [(3, 3)]


def test_a_journal_that_knows_of_later_acknowledgements_begins_a_new_epoch(site: Any) -> None:
    """Somebody cut the journal while it was written: its records are whole, and its marks are of what is missing."""
    box = site.open()
    site.drain()
    box.tend()
    size = (site.hot / "hot.log").stat().st_size
    given = box.append(site.news(4))
    os.truncate(site.hot / "hot.log", size)
    site.drain()
    box.tend()
    site.kill()
    assert site.open().epoch != given[0].position.epoch
    contents(given, site.box.append(site.news(4)), site.drain())


def test_acknowledgements_behind_the_last_event_that_is_left_do_not_stop_the_cursor(site: Any) -> None:
    """The epoch is left below them, and they were in the way of all that was acknowledged ahead later."""
    box = site.open()
    site.drain()
    given = [item for _ in range(5) for item in box.append(site.news(1))]
    site.acknowledge(given[-1:])
    box.tend()
    site.kill()
    hot = site.hot / "hot.log"
    data = bytearray(hot.read_bytes())
    for lost in given[-2:]:
        data[data.index(lost.body)] ^= 1
    hot.write_bytes(data)
    box = site.open()
    items = [*box.read(None, max_events=100, max_bytes=10**6), *box.append(site.news(2)), *box.append(site.news(2))]
    assert values(items) == [1.0, 2.0, 3.0, 6.0, 7.0, 8.0, 9.0]
    site.acknowledge([*items[::2], *items[1::2]])
    assert (box.pending, box.acknowledged_through) == (0, items[-1].position)


def test_a_journal_older_than_the_cursor_on_flash_begins_a_new_epoch(site: Any) -> None:
    box = site.open()
    old = (site.hot / "hot.log").read_bytes()
    given = box.append(site.news(5))
    site.offline(30)
    site.drain()
    site.offline(30)
    assert not list(site.flash.glob("*.seg"))
    site.kill()
    (site.hot / "hot.log").write_bytes(old)
    assert site.open().epoch != given[0].position.epoch
    contents(given, site.box.append(site.news(5)), site.drain())


def test_records_around_a_damaged_one_keep_their_places_when_they_go_to_flash(site: Any) -> None:
    """They became one record on flash, in which the later ones were counted on from the first: one seq too low."""
    box = site.open()
    given = [item for _ in range(4) for item in box.append(site.news(1))]
    site.kill()
    hot = site.hot / "hot.log"
    data = bytearray(hot.read_bytes())
    data[data.index(given[1].body)] ^= 1
    hot.write_bytes(data)
    site.open()
    site.offline(30)
    found = site.drain()
    contents(given, found)
    assert values(found) == [1.0, 3.0, 4.0]
    assert [(item.from_seq, item.to_seq) for item in found if isinstance(item, Gap)] == [(3, 3)]


def test_a_journal_older_than_what_is_on_flash_begins_a_new_epoch(site: Any) -> None:
    box = site.open()
    old = (site.hot / "hot.log").read_bytes()
    given = box.append(site.news(5))
    site.offline(30)
    site.kill()
    (site.hot / "hot.log").write_bytes(old)
    box = site.open()
    assert box.epoch != given[0].position.epoch
    contents(given, box.append(site.news(5)), site.drain())


def test_another_boot_begins_a_new_epoch_whose_border_is_unknown(site: Any) -> None:
    box = site.open()
    epoch = box.epoch
    site.drain()
    box.append(site.news(3))
    site.cut_power()
    box = site.open()
    start = fields(site.drain())[0]
    assert (start["previous"], start["previous_last_seq"]) == (str(epoch), None)


def test_two_power_cuts_with_nothing_spilled_link_every_epoch(site: Any) -> None:
    starts: list[Fields] = []
    for _ in range(3):
        site.open()
        starts += [fact for fact in fields(site.drain()) if fact["type"] == "epoch"]
        site.cut_power()
    assert [start["previous"] for start in starts] == [None, starts[0]["epoch"], starts[1]["epoch"]]
    assert [start["previous_last_seq"] for start in starts] == [None, None, None]


def test_an_unknown_boot_id_begins_a_new_epoch_each_time(site: Any) -> None:
    site.boot_id = ""
    epochs = []
    for _ in range(3):
        epochs.append(site.open().epoch)
        site.kill()
    assert len(set(epochs)) == 3


def test_boot_ids_are_compared_without_dashes(site: Any) -> None:
    epoch = site.open().epoch
    site.kill()
    site.boot_id = site.boot_id.replace("-", "").upper()
    assert site.open().epoch == epoch


def test_an_end_in_order_tells_the_last_seq_to_the_next_epoch(site: Any) -> None:
    box = site.open()
    site.drain()
    box.append(site.news(3))
    epoch = box.epoch
    box.close(to_flash=True)
    site.cut_power()
    box = site.open()
    found = site.drain()
    assert values(found) == [1.0, 2.0, 3.0]
    start = fields(found)[-1]
    assert (start["type"], start["previous"], start["previous_last_seq"]) == ("epoch", str(epoch), 4)
    assert not [item for item in found if isinstance(item, Gap)]


def test_an_epoch_that_ended_is_never_continued_in_the_same_boot(site: Any) -> None:
    box = site.open()
    site.drain()
    epoch = box.epoch
    box.close(to_flash=True)
    site.kill()
    assert site.open().epoch > epoch


def test_an_epoch_that_ended_is_not_continued_even_if_hot_could_not_be_removed(site: Any) -> None:
    box = site.open()
    site.drain()
    epoch = box.epoch
    site.disk.rule = lambda call, path: errno.EIO if "hot.log" in path and call in {"unlink", "open"} else None
    box.close(to_flash=True)
    site.disk.heal()
    site.kill()
    assert (site.hot / "hot.log").exists()
    assert site.open().epoch > epoch


def test_an_old_cursor_makes_no_gap_after_an_end_in_order(site: Any) -> None:
    """Outage, recovery, days online, shutdown: the cursor of the outage must not make the days look lost."""
    box = site.open()
    box.append(site.news(5))
    site.offline(30)
    site.drain()
    for _ in range(20):
        box.append(site.news(1))
        site.drain()
    box.close(to_flash=True)
    site.cut_power()
    site.open()
    found = site.drain()
    assert not [item for item in found if isinstance(item, Gap)]
    assert [fact["type"] for fact in fields(found)] == ["epoch"]


def test_an_old_cursor_makes_no_gap_in_the_next_outage(site: Any) -> None:
    box = site.open()
    box.append(site.news(5))
    site.offline(30)
    site.drain()
    for _ in range(20):
        box.append(site.news(1))
        site.drain()
    box.append(site.news(5))
    site.offline(30)
    site.cut_power()
    site.open()
    found = site.drain()
    assert values(found) == [26.0, 27.0, 28.0, 29.0, 30.0]
    assert not [item for item in found if isinstance(item, Gap)]


def test_events_of_two_power_cuts_arrive_in_order_and_once(site: Any) -> None:
    for _ in range(3):
        box = site.open()
        box.append(site.news(10))
        site.offline(30)
        site.cut_power()
    site.open()
    found = site.drain()
    assert values(found) == [float(number) for number in range(1, 31)]
    places = [(item.position.epoch, item.position.seq) for item in found]
    assert places == sorted(places)
    assert len(set(places)) == len(places)


def test_flash_that_cannot_be_written_gives_a_random_epoch_without_a_predecessor(site: Any) -> None:
    site.open()
    site.cut_power()
    site.disk.rule = lambda call, path: errno.EROFS if "state" in path and call in {"write_at", "replace"} else None
    box = site.open()
    start = fields(site.drain())[0]
    assert start["previous"] is None
    assert "outbox_epoch_not_stored" in site.log.names()
    assert box.append(site.news(1))


def test_a_state_directory_that_cannot_even_be_made_does_not_stop_the_start(site: Any) -> None:
    site.disk.rule = lambda call, path: errno.EROFS if "state" in path else None
    box = site.open()
    box.append(site.news(2))
    site.offline(60)
    assert values(site.drain()) == [1.0, 2.0]


def test_hot_that_cannot_be_written_is_removed_before_the_next_seq(site: Any) -> None:
    box = site.open()
    given = box.append(site.news(3))
    site.disk.fail("write", "hot.log", errno.ENOSPC)
    given += box.append(site.news(5))
    assert not (site.hot / "hot.log").exists()
    assert "outbox_hot_failed" in site.log.names()
    site.kill()
    site.disk.heal()
    box = site.open()
    assert box.epoch != given[0].position.epoch
    contents(given, box.append(site.news(3)), site.drain())


def test_events_for_which_hot_fails_go_to_flash_at_once(site: Any) -> None:
    box = site.open()
    site.disk.fail("write", "hot.log", errno.ENOSPC)
    box.append(site.news(1))
    box.tend()
    box.tend()
    box.append(site.news(4))
    site.kill()
    site.disk.heal()
    site.open()
    assert values(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_journal_that_can_neither_be_written_nor_removed_is_disowned(site: Any) -> None:
    box = site.open()
    given = box.append(site.news(2))
    site.disk.rule = lambda call, path: errno.EIO if "hot.log" in path else None
    given += box.append(site.news(2))
    site.kill()
    site.disk.heal()
    box = site.open()
    contents(given, box.append(site.news(2)))
    assert box.epoch != given[0].position.epoch


def test_where_nothing_can_be_written_or_removed_a_new_epoch_begins_at_once(site: Any) -> None:
    """Hot and flash were read-only together: what was given out meanwhile was given out again after a kill."""
    box = site.open()
    given = box.append(site.news(2))
    site.disk.rule = lambda call, path: (
        errno.EROFS if call not in {"read_at", "sync"} and "outbox-" not in path else None
    )
    given += box.append(site.news(2)) + box.append(site.news(2))
    assert [str(item.position.epoch) == str(given[0].position.epoch) for item in given] == [True] * 2 + [False] * 4
    assert [item.position.seq for item in given] == [2, 3, 2, 3, 4, 5]
    assert box.epoch == given[-1].position.epoch
    assert values(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    site.kill()
    site.disk.heal()
    site.open()
    contents(given, site.box.append(site.news(3)), site.drain())


@pytest.mark.parametrize("is_flash_too", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_cursor_passes_every_epoch_that_was_left(site: Any, *, is_flash_too: bool, backwards: bool) -> None:
    box = site.open()
    given = site.box.read(None, max_events=100, max_bytes=10**6) + box.append(site.news(4))
    for _ in range(3):
        site.disk.rule = lambda call, path: (
            errno.EIO if "hot.log" in path or (is_flash_too and "state" in path and call != "stat") else None
        )
        box.append(site.news(2))
        site.disk.heal()
        site.offline(70, step_s=10)
        assert box.alarms == ()
        box.append(site.news(3))
        after = given[-1].position
        given += box.read(after, max_events=100, max_bytes=10**6)
    assert len({item.position.epoch for item in given}) == 4
    assert box.pending == len(given)
    for number, item in enumerate(
        sorted(given, key=lambda item: (item.position.seq % 3, item.position), reverse=backwards)
    ):
        site.acknowledge([item])
        box.tend()
        assert box.pending == len(given) - number - 1
    assert box.acknowledged_through == given[-1].position


def test_an_epoch_left_behind_is_named_by_the_next_one_if_that_is_on_flash(site: Any) -> None:
    box = site.open()
    left = box.append(site.news(2))[-1].position
    site.disk.rule = lambda call, path: errno.EIO if "hot.log" in path else None
    box.append(site.news(1))
    start = [fact for fact in fields(site.drain()) if fact["type"] == "epoch"][-1]
    assert (start["previous"], start["previous_last_seq"]) == (str(left.epoch), left.seq)
    assert start["epoch"] == str(read_epoch(Disk(), site.flash).epoch) == str(box.epoch)
    assert "outbox_epoch_left" in site.log.names()
    site.kill()
    site.disk.heal()
    site.open()
    assert fields(site.drain())[-1]["previous"] == start["epoch"]


def test_an_epoch_that_is_left_at_once_does_not_hide_the_end_of_the_one_before(site: Any) -> None:
    """It has its first event from the beginning, so that what was damaged at the end of the one before is announced."""
    box = site.open()
    site.drain()
    box.append(site.news(3))
    site.offline(30)
    last = box.append(site.news(2))[-1].position
    box.close(to_flash=True)
    site.cut_power()
    segment = max(site.flash.glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[len(data.rstrip(b"\0")) - 5] ^= 1
    segment.write_bytes(data)
    begun = "replace", "hot.log"
    site.disk.calls.clear()
    site.disk.rule = lambda call, path: errno.EIO if "hot.log" in path and begun in site.disk.calls else None
    box = site.open()
    left = box.epoch
    box.append(site.news(1))
    assert site.log.names().count("outbox_epoch_left") == 1
    items = box.read(None, max_events=100, max_bytes=10**6)
    starts = [fact for fact in fields(items) if fact["type"] == "epoch"]
    assert [(start["previous"], start["previous_last_seq"]) for start in starts] == [
        (str(last.epoch), last.seq),
        (str(left), 1),
    ]
    assert [(item.epoch, item.from_seq, item.to_seq) for item in items if isinstance(item, Gap)] == [
        (last.epoch, last.seq - 1, last.seq)
    ]
    site.acknowledge(items[::-1])
    assert (box.pending, box.acknowledged_through) == (0, items[-1].position)


def test_memory_begins_a_new_epoch_at_each_start(site: Any) -> None:
    epochs = []
    for _ in range(3):
        box = site.open(durability=Durability.MEMORY)
        box.append(site.news(1))
        epochs.append(box.epoch)
        box.close(to_flash=False)
        site.kill()
    assert len(set(epochs)) == 3


def test_a_second_instance_names_the_first_and_leaves(site: Any, new_site: Callable[[Path], Any]) -> None:
    site.open()
    with pytest.raises(AlreadyRunning) as refused:
        new_site(site.root).open()
    assert refused.value.holder == os.getpid()
    assert str(os.getpid()) in str(refused.value)


def test_a_deleted_state_directory_does_not_let_a_second_instance_in(
    site: Any, new_site: Callable[[Path], Any]
) -> None:
    site.open()
    shutil.rmtree(site.state)
    with pytest.raises(AlreadyRunning):
        new_site(site.root).open()


def test_two_state_directories_with_one_hot_directory_do_not_run_together(
    site: Any, new_site: Callable[[Path], Any]
) -> None:
    site.open()
    other = new_site(site.root)
    other.state = site.root / "other"
    with pytest.raises(AlreadyRunning):
        other.open()


def test_a_journal_whose_directory_could_not_be_locked_begins_a_new_epoch(
    site: Any, new_site: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many open files while it started, and the second instance went on in the epoch of the first."""
    given = site.open().append(site.news(2))

    def too_many(directory: Path) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(directory))

    monkeypatch.setattr(opening, "DirectoryLock", too_many)
    monkeypatch.setattr(lookout, "DirectoryLock", too_many)
    other = new_site(site.root)
    other.number = 100
    other.open()
    given += other.box.append(other.news(2)) + site.box.append(site.news(2))
    contents(given, other.drain(), site.drain())
    other.kill()


def test_whoever_fails_to_get_one_lock_holds_neither(site: Any, new_site: Callable[[Path], Any]) -> None:
    site.open()
    other = new_site(site.root)
    other.state = site.root / "other"
    with pytest.raises(AlreadyRunning):
        other.open()
    other.hot = site.root / "other-hot"
    other.open()
    other.kill()


def test_hot_of_another_state_directory_begins_a_new_epoch_and_its_events_are_delivered(site: Any) -> None:
    box = site.open()
    site.drain()
    given = box.append(site.news(3))
    site.kill()
    shutil.rmtree(site.state)
    box = site.open()
    assert box.epoch not in {item.position.epoch for item in given}
    later = box.append(site.news(1)) + site.drain()
    assert values(later)[1:4] == [1.0, 2.0, 3.0]
    contents(given, later)


def test_other_hardware_begins_a_new_epoch_and_a_new_client_suffix(site: Any) -> None:
    box = site.open()
    epoch, suffix = box.epoch, box.client_suffix
    site.kill()
    assert site.open().client_suffix == suffix
    site.kill()
    site.hardware_id = "another"
    box = site.open()
    assert box.epoch > epoch
    assert box.client_suffix != suffix
    start = fields(site.drain())[-1]
    assert (start["previous"], start["previous_last_seq"]) == (str(epoch), None)


def test_a_copy_of_both_directories_in_the_same_boot_begins_an_epoch_of_its_own(
    site: Any, new_site: Callable[[Path], Any], tmp_path: Path
) -> None:
    """Same hardware, same boot: nothing but the inode tells the copy from the one that goes on."""
    site.open().append(site.news(3))
    for directory in (site.state, site.hot):
        shutil.copytree(directory, tmp_path / "copy" / directory.name)
    other = new_site(tmp_path / "copy")
    other.number = 100
    given = [*site.box.append(site.news(3)), *other.open().append(other.news(3))]
    assert other.box.epoch > site.box.epoch
    assert len({item.position for item in given}) == len(given)
    assert "outbox_directory_is_a_copy" in other.log.names()
    contents(given, site.drain(), other.drain())
    other.kill()
    site.kill()
    site.open()
    assert "outbox_directory_is_a_copy" not in site.log.names(), "the one that was copied goes on"


def test_without_the_inode_a_copy_of_both_would_go_on_in_the_same_epoch(
    site: Any, new_site: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    monkeypatch.setattr(Disk, "node", lambda _self, _path: "")
    site.open().append(site.news(3))
    for directory in (site.state, site.hot):
        shutil.copytree(directory, tmp_path / "copy" / directory.name)
    other = new_site(tmp_path / "copy")
    assert other.open().append(other.news(1))[0].position == site.box.append(site.news(1))[0].position
    other.kill()


def test_an_identity_that_names_no_inode_yet_goes_on_in_its_epoch(site: Any) -> None:
    epoch = site.open().epoch
    site.box.append(site.news(1))
    site.kill()
    disk, identity = Disk(), read_identity(Disk(), site.flash)
    assert identity is not None
    write_identity(disk, site.flash, dataclasses.replace(identity, node=""))
    site.open()
    assert site.box.epoch == epoch


def test_a_copied_machine_does_not_say_where_the_epoch_of_the_first_one_ended(
    site: Any, new_site: Callable[[Path], Any], tmp_path: Path
) -> None:
    """It named the last seq at the moment of the copy, and the first machine gave out more."""
    given = site.open().append(site.news(2))
    for name in ("state", "hot"):
        shutil.copytree(tmp_path / name, tmp_path / "copy" / name)
    copy = new_site(tmp_path / "copy")
    copy.hardware_id = "another"
    given += site.box.append(site.news(2))
    copy.open()
    start = fields(copy.drain())[-1]
    assert (start["previous"], start["previous_last_seq"]) == (str(given[0].position.epoch), None)
    contents(given, copy.box.append(copy.news(2)))
    copy.kill()


def test_hardware_that_cannot_tell_its_serial_changes_nothing(site: Any) -> None:
    epoch = site.open().epoch
    site.kill()
    site.hardware_id = ""
    assert site.open().epoch == epoch


def test_the_ids_of_many_epochs_sort_as_they_were_made(site: Any) -> None:
    names = []
    for _ in range(12):
        names.append(str(site.open().epoch))
        site.cut_power()
    assert names == sorted(names)


def test_a_wiped_state_directory_does_not_repeat_its_first_epoch(site: Any) -> None:
    first = site.open().epoch
    site.cut_power()
    shutil.rmtree(site.state)
    assert site.open().epoch != first


def test_a_damaged_epoch_file_costs_no_ordinal(site: Any) -> None:
    box = site.open()
    box.append(site.news(1))
    site.offline(30)
    epoch = box.epoch
    site.cut_power()
    (site.flash / "epoch").write_bytes(b"rubbish")
    assert site.open().epoch.ordinal == epoch.ordinal + 1


def test_a_kill_between_the_header_and_the_first_event_starts_another_epoch(site: Any) -> None:
    site.disk.fail("write", "hot.log")
    box = site.open()
    epoch = box.epoch
    site.kill()
    site.disk.heal()
    box = site.open()
    start = fields(site.drain())[-1]
    assert start["previous"] == str(epoch)


def test_a_directory_of_a_newer_version_stays_as_it_is(site: Any) -> None:
    box = site.open()
    box.append(site.news(5))
    site.offline(30)
    box.close(to_flash=False)
    site.kill()
    identity = site.flash / "identity"
    text = b"sensor-gateway-outbox 2\nall else may differ\n"
    identity.write_bytes(text + f"crc32 {zlib.crc32(text):08x}\n".encode())
    hot = site.hot / "hot.log"
    header = hot.read_bytes()[8:56]
    crc = zlib.crc32(header, zlib.crc32(b"SGH\x02")).to_bytes(4, "little")
    hot.write_bytes(b"SGH\x02" + crc + header + b"what only a newer version can read")
    before = {path: path.read_bytes() for path in [hot, *site.flash.iterdir()] if path.is_file()}
    old_epoch = box.epoch
    for _ in range(2):
        box = site.open()
        box.append(site.news(5))
        site.offline(30)
        site.kill()
    assert {path: path.read_bytes() for path in before} == before
    assert "outbox_directory_of_a_newer_version_left_alone" in site.log.names()
    assert box.epoch.ordinal > old_epoch.ordinal
    assert (site.state / "outbox-v1" / "identity").exists()


def test_sealed_text_survives_no_change() -> None:
    text = seal({"epoch": "000012-7f3c9a2e", "ended": "-"})
    assert unseal(text) == {"epoch": "000012-7f3c9a2e", "ended": "-"}
    for place in range(len(text)):
        assert unseal(text[:place]) is None
        assert unseal(text[:place] + bytes((text[place] ^ 1,)) + text[place + 1 :]) is None


def test_an_identity_with_an_impossible_directory_id_is_none(tmp_path: Path) -> None:
    (tmp_path / "identity").write_bytes(seal({"directory": "xyz", "hardware": "", "client": "a"}))
    assert read_identity(Disk(), tmp_path) is None


def test_a_boot_id_that_is_none_counts_as_unknown() -> None:
    assert Machine(boot_id="zz" * 16, hardware_id="").boot_bytes == bytes(16)
    assert Machine(boot_id="", hardware_id="").boot == "00000000"


def test_the_holder_of_a_lock_is_found_by_device_and_inode() -> None:
    text = (
        "1: POSIX  ADVISORY  WRITE 77 fe:00:42 0 EOF\n2: FLOCK  ADVISORY  WRITE 99 fe:00:42 0 EOF\n"
        "2: -> FLOCK  ADVISORY  WRITE 98 fe:00:42 0 EOF\nrubbish\n"
    )
    assert holder_in(text, os.makedev(0xFE, 0), 42) == 99
    assert holder_in(text, os.makedev(0xFE, 0), 43) is None
