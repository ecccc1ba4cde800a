"""Starts that do not have the hot journal of the start before: what it holds comes through all the same."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.event import Gap
from sensor_gateway.outbox import opening, recovery
from sensor_gateway.outbox.files.locks import DirectoryLock
from sensor_gateway.outbox.intake import Intake

NewSite = Callable[[Path], Any]


class Died(BaseException):
    """The process ends in the middle of a call."""


def contents(items: list[Any]) -> list[float]:
    facts = [json.loads(item.body) for item in items if not isinstance(item, Gap)]
    return [fact["value"] for fact in facts if fact["type"] == "value"]


def without_hot(site: Any, news: int, *, delivers: bool) -> list[Any]:
    """A start and an end without the hot directory; gives what was delivered meanwhile."""
    site.has_hot = False
    box = site.open()
    box.append(site.news(news))
    site.offline(2)
    found = site.drain() if delivers else []
    site.offline(12)
    box.close(to_flash=False)
    site.kill()
    site.has_hot = True
    return found


@pytest.mark.parametrize("news", [0, 3])
@pytest.mark.parametrize("spilled", [0, 4])
@pytest.mark.parametrize("acknowledged", [0, 2])
@pytest.mark.parametrize("delivers", [False, True])
def test_a_start_without_the_hot_directory_loses_nothing_that_hot_holds(
    site: Any, spilled: int, acknowledged: int, news: int, *, delivers: bool
) -> None:
    box = site.open()
    if spilled:
        box.append(site.news(spilled))
        site.offline(15)
    box.append(site.news(5))
    found = box.read(None, max_events=1 + acknowledged, max_bytes=10**6)
    site.acknowledge(found)
    box.close(to_flash=False)
    site.kill()
    found += without_hot(site, news, delivers=delivers)
    site.open()
    found += site.drain()
    assert not [item for item in found if isinstance(item, Gap)]
    assert sorted(set(contents(found))) == [float(n + 1) for n in range(site.number)]
    positions = {item.position for item in found if contents([item])}
    assert len(positions) == site.number, "none has two positions, and no position two contents"
    assert site.box.pending == 0


def test_what_was_passed_over_is_stored_anew_once(site: Any) -> None:
    box = site.open()
    box.append(site.news(5))
    box.close(to_flash=False)
    site.kill()
    without_hot(site, 0, delivers=False)
    for _ in range(3):
        site.open()
        site.box.close(to_flash=False)
        site.kill()
    site.open()
    assert contents(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_two_starts_without_the_hot_directory_lose_nothing_either(site: Any) -> None:
    box = site.open()
    box.append(site.news(5))
    box.close(to_flash=False)
    site.kill()
    found = without_hot(site, 2, delivers=True) + without_hot(site, 2, delivers=True)
    site.open()
    found += site.drain()
    assert sorted(contents(found)) == [float(n + 1) for n in range(9)]


def passed_over(site: Any) -> None:
    without_hot(site, 2, delivers=False)


def another_directorys(site: Any) -> None:
    shutil.rmtree(site.state)


def loaded_late(site: Any) -> None:
    """Flash cannot be read at the start, and can be from the first turn on in which it is tried again."""
    site.disk.rule = lambda call, path: errno.EMFILE if call == "open" and path.endswith("cursor-mqtt") else None
    site.open()
    site.box.append(site.news(2))
    site.clock.advance(40)


def dies_while_strays_are_taken_in(
    site: Any, befalls: Callable[[Any], None], call: int, locks: list[DirectoryLock]
) -> bool:
    """Die in the n-th call of a start (or of the turn that loads late); whether it came so far. Nothing may be lost."""
    site.open().append(site.news(3))
    site.offline(12)
    site.box.append(site.news(5))
    site.box.close(to_flash=False)
    site.kill()
    befalls(site)
    calls = 0

    def rule(_call: str, _path: str) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Died

    site.disk.rule = rule
    with suppress(Died):
        site.box.tend() if site.box else site.open()
    site.disk.heal()
    while locks:
        locks[-1].release()
    site.disk.abandon()
    site.box = None
    site.open()
    found = contents(site.drain())
    site.kill()
    expected = {float(n + 1) for n in range(site.number)}
    if befalls is another_directorys:
        expected -= {1.0, 2.0, 3.0}
    assert set(found) >= expected, f"died in call {call}"
    return calls >= call


def die_in_each_call(new_site: NewSite, root: Path, locks: list[DirectoryLock], befalls: Callable[[Any], None]) -> int:
    """Until it dies in none; gives how many there are."""
    call = 1
    while dies_while_strays_are_taken_in(new_site(root / str(call)), befalls, call, locks):
        call += 1
    return call


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch) -> list[DirectoryLock]:
    """What a process holds that dies while it starts, so that nobody else can let it go."""
    taken: list[DirectoryLock] = []

    class Noted(DirectoryLock):
        def __init__(self, directory: Path) -> None:
            super().__init__(directory)
            taken.append(self)

        def release(self) -> None:
            taken.remove(self)
            super().release()

    monkeypatch.setattr(opening, "DirectoryLock", Noted)
    return taken


@pytest.mark.parametrize("befalls", [passed_over, another_directorys, loaded_late])
def test_a_process_that_dies_in_any_call_while_strays_are_taken_in_loses_none(
    new_site: NewSite, tmp_path: Path, locks: list[DirectoryLock], befalls: Callable[[Any], None]
) -> None:
    assert die_in_each_call(new_site, tmp_path, locks, befalls) > 30


def test_a_journal_that_is_replaced_before_its_strays_are_taken_in_is_caught(
    new_site: NewSite, tmp_path: Path, locks: list[DirectoryLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: a kill in between takes the only copy."""
    begin = Intake.begin

    def replaced_first(intake: Intake) -> None:
        recovered = intake._opened.recovered
        intake._tiers.begin(intake._opened.header(recovered.next_seq), 0.0)
        begin(intake)

    monkeypatch.setattr(Intake, "begin", replaced_first)
    with pytest.raises(AssertionError, match="died in call"):
        die_in_each_call(new_site, tmp_path, locks, passed_over)


def test_the_judge_sees_what_is_passed_over(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: a recovery that takes all below the end of cold for known."""
    monkeypatch.setattr(recovery, "passed_over", lambda *_: [])
    box = site.open()
    box.append(site.news(5))
    box.close(to_flash=False)
    site.kill()
    without_hot(site, 0, delivers=False)
    site.open()
    assert contents(site.drain()) == []


def start_where_hot_can_only_be_read(site: Any, news: int = 0) -> list[Any]:
    """Neither to be written nor to be removed nor to be emptied; gives what is delivered."""
    tried: list[str] = []

    def rule(call: str, path: str) -> int | None:
        if "hot.log" not in path:
            return None
        if call == "open" and path.endswith("hot.log") and not tried:
            return None
        tried.extend([call] if call in {"unlink", "write"} else [])
        return errno.EACCES if call in {"open", "unlink", "write", "replace"} else None

    site.disk.rule = rule
    box = site.open()
    box.append(site.news(news))
    found = site.drain()
    site.offline(12)
    box.close(to_flash=False)
    site.disk.heal()
    site.kill()
    return found


@pytest.mark.parametrize("is_foreign", [False, True])
@pytest.mark.parametrize("news", [0, 2])
def test_a_hot_journal_that_can_only_be_read_is_taken_in_once(site: Any, news: int, *, is_foreign: bool) -> None:
    site.open().append(site.news(5))
    site.box.close(to_flash=False)
    site.kill()
    if is_foreign:
        shutil.rmtree(site.state)
    found = [item for _ in range(4) for item in start_where_hot_can_only_be_read(site, news)]
    assert sorted(contents(found)) == [float(n + 1) for n in range(site.number)]
    assert "outbox_file_gone" not in site.log.names()
    site.open()
    assert contents(site.drain()) == []


def test_a_hot_journal_that_cannot_be_replaced_any_more_is_taken_in_once_more_at_most(site: Any) -> None:
    box = site.open()
    box.append(site.news(5))
    site.disk.rule = lambda call, path: errno.EACCES if "hot.log" in path else None
    box.append(site.news(2))
    found = site.drain()
    site.offline(12)
    site.kill()
    found += [item for _ in range(4) for item in start_where_hot_can_only_be_read(site)]
    assert set(contents(found)) == {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0}
    assert len(contents(found)) <= 12
