"""A gateway's life at random: news, outages, restarts, kills, power cuts, and a card in any mood."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from proving.crashes.knowledge import Broken, Knowledge
from proving.crashes.recording import Image
from proving.crashes.witness import Variant, Witness
from sensor_gateway.model.event import Gap
from sensor_gateway.model.position import Position
from sensor_gateway.outbox.settings import Durability, OutboxSettings, WhenFull
from sensor_gateway.outbox.stored import Stored

_SMALL = {"segment_size": 4096, "hot_cap": 16_384, "hot_slack": 1500, "keep_free": 0, "max_size": 32 * 4096}
_TINY = {**_SMALL, "max_size": 4 * 4096, "hot_cap": 5000}


def _variant(name: str, *, has_hot: bool = True, **changes: object) -> Variant:
    return Variant(name=name, has_hot=has_hot, settings=OutboxSettings(**{**_SMALL, **changes}))  # type: ignore[arg-type]


VARIANTS = (
    _variant("spill"),
    _variant("spill, larger segments", segment_size=8192, hot_slack=4096),
    _variant("spill, often", spill_after_s=0.5, flush_every_s=0.5),
    _variant("always", durability=Durability.ALWAYS),
    _variant("always, without a hot directory", durability=Durability.ALWAYS, has_hot=False),
    _variant("memory", durability=Durability.MEMORY),
    _variant("drop_oldest", **_TINY, spill_after_s=1.0, flush_every_s=1.0),
    _variant("drop_oldest, and what is too old", **_TINY, max_age_s=40.0),
    _variant("drop_newest", **_TINY, when_full=WhenFull.DROP_NEWEST),
)


class Workload:
    """``lives``: what ran between two power cuts, each a witness whose files any cut of it can be built from."""

    def __init__(self, root: Path, chance: random.Random, variant: Variant) -> None:
        self._root = root
        self._chance = chance
        self._variant = variant
        self._in_flight: list[Stored | Gap] = []
        self._after: Position | None = None
        self.lives = [Witness(root / "0", Image(), Knowledge(), variant, chance)]
        self._is_troubled = False

    def run(self, steps: int) -> None:
        """Live, for so many steps."""
        weights: dict[str, dict[Callable[[], None], int]] = {
            "online": {self._append: 8, self._deliver: 8, self._turn: 4, self._wait: 1},
            "outage": {self._append: 10, self._turn: 8, self._wait: 3, self._read: 1},
            "drain": {self._append: 2, self._read: 8, self._acknowledge: 8, self._turn: 5, self._reconnect: 1},
        }
        events = {
            self._change_mood: 8,
            self._kill: 6,
            self._die: 8,
            self._stop: 3,
            self._shut_down: 2,
            self._cut_power: 2,
        }
        self._start()
        mode = "online"
        for _ in range(steps):
            if self._chance.random() < 0.1:
                mode = self._chance.choice(("online", "outage", "outage", "drain"))
            act = self._choose(events if self._chance.random() < 0.08 else weights[mode])
            act()
        self.life.card.free()
        self.life.kill()
        for number in range(len(self.lives)):
            shutil.rmtree(self._root / str(number), ignore_errors=True)

    @property
    def life(self) -> Witness:
        return self.lives[-1]

    def _choose(self, weights: dict[Callable[[], None], int]) -> Callable[[], None]:
        return self._chance.choices([*weights], [*weights.values()])[0]

    def _append(self) -> None:
        self.life.append(self._chance.choice((1, 1, 2, 4, 12)))

    def _read(self) -> None:
        items = self.life.read(self._after, max_events=self._chance.choice((1, 5, 30)))
        for item in items:
            if isinstance(item, Stored):
                self._after = item.position
            elif item.to_seq is not None:
                self._after = Position(epoch=item.epoch, seq=item.to_seq)  # type: ignore[arg-type]
        self._in_flight += items

    def _acknowledge(self) -> None:
        """Some of what is in flight, in any order; or all of it."""
        some = self._in_flight
        if some and self._chance.random() < 0.5:
            some = self._chance.sample(some, self._chance.randint(1, len(some)))
        for item in some:
            self.life.acknowledge(item)
        chosen = {id(item) for item in some}
        self._in_flight = [item for item in self._in_flight if id(item) not in chosen]

    def _deliver(self) -> None:
        self._read()
        self.life.acknowledge_all(self._in_flight)
        self._in_flight = []

    def _reconnect(self) -> None:
        self._in_flight, self._after = [], None

    def _turn(self) -> None:
        self.life.tend(self._chance.choice((0.0, 0.05, 0.1, 1.0, 6.0)))

    def _wait(self) -> None:
        """Long enough for everything to be on flash, where the card is well: nothing may be in memory alone."""
        life, left_s = self.life, 11.5
        wanted_s = life.tend()
        while left_s > 0:
            wait_s = 1.0 if wanted_s is None else min(max(wanted_s, 0.05), 1.0)
            wanted_s = life.tend(wait_s)
            left_s -= wait_s
        box, settings = life.box, self._variant.settings
        assert box is not None
        is_limited = settings.max_size < 8 * settings.segment_size
        if (
            settings.durability is Durability.MEMORY
            or is_limited
            or self._is_troubled
            or box.alarms
            or life.card.mood != "prompt"
        ):
            return
        head = box._opened._parts.tail.first
        if head is not None:
            raise Broken(f"{head.epoch}:{head.first_seq} has waited for too long, and is not on flash")

    def _change_mood(self) -> None:
        card = self.life.card
        self._is_troubled = False
        if self._chance.random() < 0.4:
            card.free()
        else:
            card.mood = self._chance.choice(("prompt", "slow", "slow", "stuck"))
            card.errors = self._chance.choice((0, 0, 1, 2))
            self._is_troubled = card.errors > 0

    def _start(self) -> None:
        self._reconnect()
        self._is_troubled = False
        while self.life.box is None:
            if self._chance.random() < 0.1:
                self.life.disk.dies_in = self._chance.randint(0, 30)
            self.life.dies(self.life.open)
            self.life.disk.dies_in = None
        self.life.card.mood = self._chance.choice(("prompt", "prompt", "slow"))

    def _kill(self) -> None:
        self.life.kill()
        self._start()

    def _die(self) -> None:
        """Go on, and end in some call of the disk."""
        self.life.disk.dies_in = self._chance.randint(0, 25)
        for _ in range(40):
            if self.life.box is None:
                break
            act = self._chance.choice((self._append, self._turn, self._read, self._acknowledge, self._stop_only))
            self.life.dies(act)
        self._kill()

    def _stop_only(self) -> None:
        if self._chance.random() < 0.2:
            self.life.close(to_flash=self._chance.random() < 0.5)

    def _stop(self) -> None:
        self.life.close(to_flash=False)
        self._start()

    def _shut_down(self) -> None:
        """The machine stops in order; at times somebody stops that, and the memory is there still."""
        self.life.close(to_flash=True)
        if self._chance.random() < 0.3:
            self._start()
        else:
            self._cut_power()

    def _cut_power(self) -> None:
        last = self.life
        cut = len(last.recording.operations)
        image = last.recording.cut_power(cut, self._chance, strict=self._chance.random() < 0.5)
        last.kill()
        known = last.known.copied()
        known.crash(power=True)
        self.lives.append(Witness(self._root / str(len(self.lives)), image, known, self._variant, self._chance))
        self._start()


def record(root: Path, seed: int, only: str = "", steps: int = 110) -> Workload:
    """The workload of a seed, in a variant whose name begins so."""
    chance = random.Random(f"workload {seed}")
    variants = [variant for variant in VARIANTS if variant.name.startswith(only)]
    workload = Workload(root, chance, chance.choice(variants))
    workload.run(steps)
    return workload
