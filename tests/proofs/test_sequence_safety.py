"""An id never names two different events, whatever crashed, was deleted, filled up or was cloned, whenever.

Sequences of what can befall a gateway are tried on the real outbox: all of them to a depth, and long ones by chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proving.sequence_actions import copy_directory, perform
from proving.sequence_judge import Broken
from proving.sequence_paths import NAMES, PREFIX, SUSPECTS, every_path, open_world, run, run_by_chance
from proving.sequence_world import NotedLock, World

from sensor_gateway.outbox import opening, recovery
from sensor_gateway.outbox.files import hot
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.hot import HotJournal
from sensor_gateway.outbox.recovery import Recovery
from sensor_gateway.outbox.settings import Durability
from sensor_gateway.outbox.tiers.hot_copy import HotCopy

DEEP = 50_000
"""From so many states on, sequences are one action longer."""
BY_CHANCE = 20
"""Long sequences of one seed."""
DYING = ("start", "append", "drain", "wait", "stop", "shut down")


@pytest.fixture
def depth(request: pytest.FixtureRequest) -> int:
    return 2 if request.config.getoption("states") < DEEP else 3


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", NAMES)
def test_no_sequence_of_actions_gives_an_id_to_two_events(
    monkeypatch: pytest.MonkeyPatch, first: str, depth: int
) -> None:
    for path in every_path(first, depth, lambda path: run(monkeypatch, (*PREFIX, *path))):
        assert path


def test_the_page_tells_how_many_things_are_tried() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "durability.md").read_text("utf-8")
    assert f"every sequence of {len(NAMES)} things that can befall a gateway" in page


@pytest.mark.parametrize("name", SUSPECTS)
def test_nothing_that_was_once_suspected_gives_an_id_to_two_events(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    run(monkeypatch, (*PREFIX, *SUSPECTS[name]))


def test_no_long_sequence_gives_an_id_to_two_events(monkeypatch: pytest.MonkeyPatch, chunk_seed: int) -> None:
    for number in range(BY_CHANCE):
        run_by_chance(monkeypatch, chunk_seed * BY_CHANCE + number)


@pytest.mark.parametrize("before", [(), ("start", "append", "wait"), ("start", "append", "kill", "start", "hot full")])
@pytest.mark.parametrize("name", DYING)
def test_a_process_that_dies_in_any_call_gives_no_id_to_two_events(
    monkeypatch: pytest.MonkeyPatch, before: tuple[str, ...], name: str
) -> None:
    for call in range(1, 200):
        with open_world(monkeypatch, seed=call) as world:
            for one in before:
                perform(world, one)
            if name == "start":
                perform(world, "kill")
            world.must_go_on, world.must_know = False, None
            world.home.disk.dies_in = call
            perform(world, name)
            world.home.disk.dies_in = None
            world.settle()
        if not world.died:
            return
    pytest.fail("it dies in every call")


BROKEN: dict[str, Callable[[pytest.MonkeyPatch], None]] = {}


def breaks(rule: Callable[[pytest.MonkeyPatch], None]) -> Callable[[pytest.MonkeyPatch], None]:
    BROKEN[rule.__name__.replace("_", " ")] = rule
    return rule


@breaks
def an_epoch_goes_on_without_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Recovery._border

    def border(self: Recovery, previous: Any, on_flash: Any, *, is_proof: bool) -> Any:
        known = judged(self, previous, on_flash, is_proof=is_proof)
        last = self.shelf.last
        return replace(known, next_seq=known.next_seq or (last.seq if last else 1) + 1, may_go_on=True)

    monkeypatch.setattr(Recovery, "_border", border)


@breaks
def any_boot_is_this_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recovery, "_is_this_boot", lambda self, machine: True)


@breaks
def an_unknown_boot_is_a_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_this_boot(self: Recovery, machine: Any) -> bool:
        return self._hot.header is not None and self._hot.header.boot == machine.boot_bytes

    monkeypatch.setattr(Recovery, "_is_this_boot", is_this_boot)


@breaks
def all_directories_have_one_id(monkeypatch: pytest.MonkeyPatch) -> None:
    created = recovery.Identity.create
    monkeypatch.setattr(recovery.Identity, "create", lambda hardware: replace(created(hardware), directory_id="0" * 32))


@breaks
def a_torn_tail_is_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = hot.decode

    def decoded(data: bytes) -> hot.HotContents:
        contents = decode(data)
        if contents.header is None:
            return contents
        return replace(contents, next_seq=hot._proven(contents.header, contents.records, None))

    monkeypatch.setattr(hot, "decode", decoded)


@breaks
def hot_that_cannot_be_written_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HotJournal, "invalidate", HotJournal.close)


@breaks
def hot_that_cannot_be_removed_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HotCopy, "proves_too_little", lambda self, epoch: False)


@breaks
def memory_goes_on_with_its_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Recovery.__init__

    def init(self: Recovery, disk: Any, directory: Any, contents: Any, settings: Any, log: Any) -> None:
        make(self, disk, directory, contents, replace(settings, durability=Durability.SPILL), log)

    monkeypatch.setattr(Recovery, "__init__", init)


@breaks
def hardware_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = Recovery.decide
    monkeypatch.setattr(Recovery, "decide", lambda self, machine: decide(self, replace(machine, hardware_id="")))
    monkeypatch.setattr(Disk, "node", lambda _self, _path: "1")


@breaks
def locks_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unlocked(NotedLock):
        def __init__(self, directory: Path) -> None:
            self.directory = directory

        def release(self) -> None:
            pass

    monkeypatch.setattr(opening, "DirectoryLock", Unlocked)


@breaks
def ordinals_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    after = recovery.epoch_after
    monkeypatch.setattr(
        recovery, "epoch_after", lambda previous: replace(after(previous), ordinal=previous.ordinal if previous else 1)
    )


@breaks
def a_power_cut_claims_to_know_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Recovery._border

    def border(self: Recovery, previous: Any, on_flash: Any, *, is_proof: bool) -> Any:
        known = judged(self, previous, on_flash, is_proof=is_proof)
        last = self.shelf.last
        return replace(known, last_seq=known.last_seq or (last.seq if last else 1))

    monkeypatch.setattr(Recovery, "_border", border)


@pytest.mark.parametrize("rule", BROKEN)
def test_an_outbox_without_one_of_the_rules_is_found_out(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    """The same judge, over what was once suspected and then over everything to a depth of one."""

    def try_all() -> None:
        for path in [*SUSPECTS.values(), *((name,) for name in NAMES)]:
            run(monkeypatch, (*PREFIX, *path), breaking=BROKEN[rule])

    with pytest.raises(Broken):
        try_all()


def snapshot(
    world: World, *, state: bool, memory: bool, other_boot: bool = False, other_hardware: bool = False
) -> None:
    """Keep what is there, give out more, and put back what was kept."""
    home = world.home
    for name in PREFIX:
        perform(world, name)
    copy_directory(home.state, world.root / "kept-state")
    copy_directory(home.hot, world.root / "kept-hot")
    perform(world, "append")
    perform(world, "kill")
    if state:
        copy_directory(world.root / "kept-state", home.state)
    if memory:
        copy_directory(world.root / "kept-hot", home.hot)
    if other_boot:
        home.boot_id = home.true_boot = world.new_boot()
    if other_hardware:
        home.hardware = "another"
    world.settle()


@pytest.mark.parametrize(
    "put_back",
    [
        {"state": True, "memory": False},
        {"state": True, "memory": True},
        {"state": True, "memory": True, "other_boot": True},
        {"state": True, "memory": True, "other_hardware": True},
        {"state": False, "memory": True, "other_boot": True},
    ],
    ids=str,
)
def test_a_snapshot_put_back_in_part_or_elsewhere_gives_no_id_to_two_events(
    monkeypatch: pytest.MonkeyPatch, put_back: dict[str, bool]
) -> None:
    with open_world(monkeypatch, seed=1) as world:
        snapshot(world, **put_back)


@pytest.mark.parametrize("state", [True, False])
def test_the_exception_is_the_memory_of_the_same_boot_put_back(monkeypatch: pytest.MonkeyPatch, state: bool) -> None:  # noqa: FBT001
    """A restored snapshot of the running machine: nothing in it can tell that it has been here before."""
    monkeypatch.setattr(Disk, "node", lambda _self, _path: "1")
    with open_world(monkeypatch, seed=1) as world, pytest.raises(Broken, match="has two contents"):
        snapshot(world, state=state, memory=True)
