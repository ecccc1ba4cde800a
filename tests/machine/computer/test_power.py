"""The power of the machine fails at random moments, with the broker outside: what is lost is counted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from emulated.bench import Bench
from emulated.bridge import NODE
from emulated.chips import configuration
from emulated.cuts import SYNC_S, wrong_after_cuts
from emulated.making.ready import CHIPS
from emulated.service import Service
from emulated.waiting import wait_for_fresh
from proving.kills.broker import Broker

SPILL_S, FLUSH_S = 1.0, 1.0
ALLOWED_S = SPILL_S + FLUSH_S + SYNC_S


def house(broker: Broker, durability: str = "spill") -> str:
    more = (
        "defaults: {interval: 500ms, heartbeat: 1s}\n"
        "outbox: {keep_free: 0MB, max_size: 8MB, drain_rate: 0, spill_after: 1s, flush_every: 1s, "
        f"durability: {durability}}}"
    )
    return configuration(CHIPS, f"  wire: {{type: i2c, path: {NODE}}}", more, broker=broker.door.port)


class Lives:
    """One gateway through cuts: each life on a machine of its own, with the disk that the last one left."""

    def __init__(self, directory: Path, broker: Broker, machine_of: Callable[[], Bench]) -> None:
        self.cuts_s: list[float] = []
        self._disk = directory / "state.img"
        self._broker = broker
        self._machine_of = machine_of

    def live(self, online_s: float, offline_s: float, durability: str = "spill") -> None:
        """Deliver for a while, buffer for a while, and lose the power."""
        bench = self._machine_of()
        service = self._started(bench, durability)
        time.sleep(online_s)
        self._broker.door.shut()
        time.sleep(offline_s)
        self.cuts_s.append(service.uptime_s())
        bench.machine.cut()
        self._broker.settle()
        self._broker.door.open()

    def end(self) -> None:
        """One more life, until everything that waited has been delivered."""
        bench = self._machine_of()
        service = self._started(bench, "spill")
        wait_for_fresh(self._broker)
        service.stop()
        self._broker.settle()

    def _started(self, bench: Bench, durability: str) -> Service:
        service = Service(bench.machine, house(self._broker, durability))
        service.keep_on(self._disk)
        service.start()
        wait_for_fresh(self._broker)
        return service


@pytest.mark.timeout(3600)
def test_a_power_cut_loses_only_what_was_measured_last(
    tmp_path: Path, broker: Broker, new_bench: Callable[[], Bench], cuts: int, seed: int
) -> None:
    chance = random.Random(seed)
    lives = Lives(tmp_path, broker, new_bench)
    for _ in range(cuts):
        lives.live(chance.uniform(0.0, 2.0), chance.choice((0.0, chance.uniform(0.0, 8.0))))
    lives.end()
    assert wrong_after_cuts(broker.heard, lives.cuts_s, ALLOWED_S) == [], f"--machine-seed {seed} --machine-cuts {cuts}"


@pytest.mark.timeout(3600)
def test_with_durability_always_a_power_cut_loses_what_one_sync_took(
    tmp_path: Path, broker: Broker, new_bench: Callable[[], Bench]
) -> None:
    lives = Lives(tmp_path, broker, new_bench)
    lives.live(1.0, 5.0, durability="always")
    lives.end()
    assert wrong_after_cuts(broker.heard, lives.cuts_s, SYNC_S) == []


@pytest.mark.timeout(3600)
def test_the_count_finds_what_is_lost_when_nothing_is_kept_on_the_disk(
    tmp_path: Path, broker: Broker, new_bench: Callable[[], Bench]
) -> None:
    lives = Lives(tmp_path, broker, new_bench)
    lives.live(1.0, 8.0, durability="memory")
    lives.end()
    found = wrong_after_cuts(broker.heard, lives.cuts_s, ALLOWED_S)
    assert any("and the power at" in sentence for sentence in found), found
