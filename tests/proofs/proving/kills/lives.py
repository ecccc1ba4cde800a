"""Life after life of one gateway, each ended by kill -9, with a broker that fails in between. Chance is seeded."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from proving.kills.broker import Broker
from proving.kills.gate import Flow
from proving.kills.gateway import GatewayProcess, house_config
from proving.kills.judge import Judge
from proving.kills.stored import snapshot

KINDS = {
    "plain": 70,  # killed while everything works
    "at start": 8,  # killed at whatever it is doing then, recovery included
    "outage": 8,  # killed without a broker, again without a broker, and while what spilled to flash drains
    "stall": 6,  # killed while nothing passes, and what was sent is lost
    "no answers": 5,  # killed while the broker takes everything, and its answers are lost
    "frozen": 3,  # killed while the broker stands still, and started anew
}
"""What a life can be, and how often it is, in hundredths."""

OUTBOX = "drain_rate: 300, spill_after: 200ms, flush_every: 200ms"
_PATIENCE_S = 30.0


@dataclass(kw_only=True)
class Figures:
    """What a run went through."""

    kills: int = 0
    lives: Counter[str] = field(default_factory=Counter)
    spills: int = 0
    most_waiting: int = 0
    epochs: int = 0
    events: int = 0
    repeated: int = 0
    seconds: float = 0.0


class Lives:
    """One gateway of about 200 events per second, one broker, one judge. ``change`` breaks the gateway."""

    def __init__(self, directory: Path, chance: random.Random, *, change: str = "") -> None:
        self.judge = Judge()
        self.figures = Figures()
        self.broker = Broker(directory)
        config = house_config(self.broker.door.port, sensors=40, interval="200ms", outbox=OUTBOX)
        self.gateway = GatewayProcess(directory, config, change=change)
        self._beside = directory / "copy"
        self._chance = chance
        self._waiting: int | None = None
        self._began_s = time.monotonic()

    def __enter__(self) -> Lives:
        try:
            self.broker.start()
        except BaseException:
            self.broker.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.gateway.is_running:
            self.gateway.kill()
        self.broker.stop()

    def live(self, kind: str) -> None:
        """One life, or one broker failure with the lives around it."""
        self.figures.lives[kind] += 1
        if kind == "outage":
            self._live_through_an_outage()
            return
        self.gateway.start()
        if kind == "at start":
            self._pass_time(0.05, 0.7)
        elif kind == "plain":
            self.until_it_says_something()
            self._pass_time(0.05, 0.8)
        else:
            self.until_it_says_something()
            self._pass_time(0.05, 0.3)
            self._break(kind)
            self._pass_time(0.1, 0.6)
        self.kill()
        if kind == "frozen":
            self.gateway.start()
            self._pass_time(0.3, 0.6)
            self.broker.thaw()
            self.until_it_says_something()
            self.kill()
        elif kind != "plain":
            self.broker.door.shut()
            self.broker.door.open()
        self._settle()

    def is_caught(self, complaint: str) -> bool:
        """Whether the judge has this to say by now."""
        return any(complaint in objection for objection in self.judge.objections())

    def end(self) -> list[str]:
        """Let the last one deliver what is left, stop it cleanly, and hear the judge."""
        self.gateway.start()
        self._until(self._is_drained)
        code, _ = self.gateway.terminate()
        left = snapshot(self.gateway.state, self.gateway.hot, self._beside)
        self._settle()
        self.judge.left("the end", left)
        found = self.judge.objections()
        if code != 0 or left.waiting:
            found.append(f"the clean stop gave {code} and left {len(left.waiting)} events")
        figures = self.figures
        figures.epochs, figures.events = len(self.judge.seqs), sum(map(len, self.judge.seqs.values()))
        figures.repeated, figures.seconds = self.judge.repeated, time.monotonic() - self._began_s
        return found

    def _live_through_an_outage(self) -> None:
        broker, gateway = self.broker, self.gateway
        gateway.start()
        self.until_it_says_something()
        self._pass_time(0.05, 0.3)
        is_broker_killed = self._chance.random() < 0.5
        if is_broker_killed:
            broker.kill()
        else:
            broker.door.shut()
        self._pass_time(0.5, 1.5)
        self.kill()
        gateway.start()
        self._pass_time(0.4, 1.2)
        if self._chance.random() < 0.5:
            self.kill()
            gateway.start()
        if is_broker_killed:
            broker.start()
        else:
            broker.door.open()
        self.until_it_says_something()
        self._pass_time(0.02, 0.4)
        self.kill()
        self._settle()

    def _break(self, kind: str) -> None:
        if kind == "frozen":
            self.broker.freeze()
        else:
            self.broker.door.flow = {"stall": Flow.NEITHER, "no answers": Flow.NO_ANSWERS}[kind]

    def kill(self) -> None:
        assert self.gateway.is_running, f"the gateway ended by itself: {self._log_end()}"
        self.gateway.kill()
        self.figures.kills += 1
        left = snapshot(self.gateway.state, self.gateway.hot, self._beside)
        self.judge.hear(self.broker.take())
        self.judge.left(f"kill {self.figures.kills}", left)
        self._read_log()
        self._waiting = len(left.waiting)
        self.figures.spills += left.in_cold > 0
        self.figures.most_waiting = max(self.figures.most_waiting, len(left.waiting))

    def _settle(self) -> None:
        self.broker.settle()
        self.judge.hear(self.broker.take())
        self.judge.settle()

    def _read_log(self) -> None:
        """What the gateway said when it started must be what it had left behind."""
        for entry in self.gateway.new_entries():
            if entry["event"] == "gateway_started" and self._waiting is not None:
                self.judge.compare(f"kill {self.figures.kills}", self._waiting, entry["waiting"])

    def until_it_says_something(self) -> None:
        mark = len(self.broker.heard)
        self._until(lambda: len(self.broker.heard) > mark)

    def _is_drained(self) -> bool:
        return bool(self.broker.heard) and "replayed" not in self.broker.heard[-1]

    def _pass_time(self, least_s: float, most_s: float) -> None:
        time.sleep(self._chance.uniform(least_s, most_s))

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not condition():
            assert self.gateway.is_running, f"the gateway ended by itself: {self._log_end()}"
            if time.monotonic() > deadline_s:
                self.gateway.abort()
                raise AssertionError(f"nothing came in {_PATIENCE_S:g} s: {self.broker.told()}\n{self._log_end()}")
            time.sleep(0.002)

    def _log_end(self) -> str:
        lines = self.gateway.log.read_text().splitlines(keepends=True)
        return "".join(line for line in lines if "sensor_first_reading" not in line)[-8000:]


def plan(kills: int, chance: random.Random) -> list[str]:
    """Kinds of lives that come to so many kills or a few more, each kind among them, in an order of chance.

    The first one is plain: before its first seq a gateway has nothing to lose.
    """
    kinds = [*KINDS]
    while len(kinds) + kinds.count("outage") + kinds.count("frozen") < kills:
        kinds += chance.choices([*KINDS], [*KINDS.values()])
    kinds.remove("plain")
    chance.shuffle(kinds)
    return ["plain", *kinds]
