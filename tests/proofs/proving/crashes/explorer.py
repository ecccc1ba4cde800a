"""Explores crash states by number: the same seed and number are the same state, each time."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from proving.crashes.judge import Judge
from proving.crashes.knowledge import Knowledge
from proving.crashes.witness import NotedLock, Witness
from proving.crashes.workload import Workload, record
from sensor_gateway.outbox import identity, opening, recovery
from sensor_gateway.outbox.settings import Durability

STATES_PER_WORKLOAD = 50
_SHRINK_TRIES = 150
JOURNAL = "hot/hot.log"


class CrashFound(AssertionError):
    """A state that the outbox does not come back from as promised."""


@dataclass(slots=True)
class Figures:
    """What was explored."""

    states: int = 0
    operations: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str) -> None:
        self.kinds[kind] = self.kinds.get(kind, 0) + 1


class Explorer:
    """The states of one seed."""

    def __init__(self, root: Path, seed: int, only: str = "") -> None:
        self._root = root
        self._only = only
        self._seed = seed
        self._workload: tuple[int, Workload] | None = None
        self.figures = Figures()

    def explore(self, number: int, cut: int | None = None) -> None:
        """Build a state and judge it. ``cut``: another place for its first crash. CrashFound where it is broken."""
        workload = self._recorded(number)
        chance = random.Random(f"state {self._seed} {number}")
        life_number = chance.choices(
            range(len(workload.lives)), [len(life.recording.operations) for life in workload.lives]
        )[0]
        witness = workload.lives[life_number]
        trail = [f"{witness.variant.name!r}, life {life_number}"]
        depth = chance.choice((1, 1, 1, 1, 2, 2, 3))
        try:
            with _fixed_chance(f"{self._seed} {number}"):
                for level in range(depth):
                    at = cut if level == 0 and cut is not None else None
                    witness = self._crash(witness, chance, trail, at)
        except Exception as error:
            raise CrashFound(f"{error!r} after {'; '.join(trail)}") from error
        finally:
            self._clear()

    def shrunk(self, number: int) -> int | None:
        """The smallest cut of the same workload, of those that were tried, at which it fails as well."""
        for cut in range(_SHRINK_TRIES):
            try:
                self.explore(number, cut)
            except CrashFound:
                return cut
        return None

    def _crash(self, witness: Witness, chance: random.Random, trail: list[str], at: int | None) -> Witness:
        operations = witness.recording.operations
        cut = witness.recording.pick_cut(chance) if at is None else min(at, len(operations))
        kind = chance.choice(("kill", "power", "power", "power, strict"))
        power = kind != "kill"
        image = (
            witness.recording.cut_power(cut, chance, strict=kind == "power, strict")
            if power
            else witness.recording.kill(cut, chance)
        )
        known = witness.knowledge_at(cut)
        goes_on = False if power else self._goes_on(witness, image.files, known, cut)
        known.crash(power=power)
        operation = operations[cut] if cut < len(operations) else None
        trail.append(f"{kind} at {cut} of {len(operations)}, before {str(operation)[:120]}")
        self.figures.states += 1
        self.figures.count(kind)
        root = self._root / f"state{len(trail)}"
        after = Witness(root, image, known, witness.variant, chance)
        try:
            Judge(after, chance, power=power, goes_on=goes_on).recover()
        finally:
            after.kill()
        return after

    def _goes_on(self, witness: Witness, files: dict[str, bytes], known: Knowledge, cut: int) -> bool | None:
        """Whether the epoch has to go on after a kill: it must not where the journal is torn. None: it may."""
        whole = witness.recording.kill(cut, NoPart()).files.get(JOURNAL)
        if whole is None or witness.variant.settings.durability is Durability.MEMORY:
            return None
        if files.get(JOURNAL) != whole:
            return False
        return None if known.opening or known.closing else True

    def _recorded(self, number: int) -> Workload:
        index = number // STATES_PER_WORKLOAD
        if self._workload is None or self._workload[0] != index:
            with _fixed_chance(f"{self._seed} workload {index}"):
                try:
                    workload = record(self._root / "workload", self._seed * 1000 + index, self._only)
                except Exception as error:
                    raise CrashFound(f"{error!r} while the workload was recorded") from error
                finally:
                    shutil.rmtree(self._root / "workload", ignore_errors=True)
            self._workload = index, workload
            self.figures.operations += sum(len(life.recording.operations) for life in workload.lives)
        return self._workload[1]

    def _clear(self) -> None:
        for directory in self._root.glob("state*"):
            shutil.rmtree(directory)


class NoPart(random.Random):
    """Chance that never tears anything."""

    def random(self) -> float:
        return 0.9


def explore(seed: int, states: int, *, only: str = "", shrinks: bool = True) -> Figures:
    """Explore so many states of a seed. CrashFound at the first that is broken, with how to see it again.

    ``only``: how the names of the variants begin that are explored.
    """
    with _place() as root:
        explorer = Explorer(root, seed, only)
        number = -1
        while explorer.figures.states < states:
            number += 1
            try:
                explorer.explore(number)
            except CrashFound as found:
                smallest = explorer.shrunk(number) if shrinks else None
                raise CrashFound(f"replay(seed={seed}, number={number}, cut={smallest}): {found}") from found
        return explorer.figures


def replay(seed: int, number: int, cut: int | None = None) -> None:
    """The same state again."""
    with _place() as root:
        Explorer(root, seed).explore(number, cut)


@contextmanager
def _place() -> Iterator[Path]:
    """A directory in memory where there is one: none of this needs a disk."""
    memory = Path("/dev/shm")  # noqa: S108
    root = Path(tempfile.mkdtemp(prefix="crash-states-", dir=memory if memory.is_dir() else None))
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _fixed_chance(seed: str) -> Iterator[None]:
    """Take the outbox's own chance from a seed, and let a killed process lose its locks."""
    chance = random.Random(seed)
    secrets = SimpleNamespace(randbits=chance.getrandbits, token_hex=lambda count: chance.randbytes(count).hex())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "secrets", secrets)
        patch.setattr(recovery, "secrets", secrets)
        patch.setattr(opening, "DirectoryLock", NotedLock)
        yield
