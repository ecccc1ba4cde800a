"""The power of the machine fails at random moments, with the broker outside: what is lost is counted."""

from __future__ import annotations

import itertools
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from emulated.bench import Bench
from emulated.bridge import NODE
from emulated.chips import configuration
from emulated.making.ready import CHIPS
from emulated.service import Service
from emulated.waiting import wait_for_fresh
from proving.kills.broker import Broker

SPILL_S, FLUSH_S = 1.0, 1.0
SYNC_S = 2.0
"""One sync of the disk, and what the clocks of the test are apart, on a machine with other things to do."""

Event = dict[str, Any]


def house(broker: Broker, durability: str = "spill") -> str:
    more = (
        "defaults: {interval: 500ms, heartbeat: 1s}\n"
        "outbox: {keep_free: 0MB, max_size: 8MB, drain_rate: 0, spill_after: 1s, flush_every: 1s, "
        f"durability: {durability}}}"
    )
    return configuration(CHIPS, f"  wire: {{type: i2c, path: {NODE}}}", more, broker=broker.door.port)


def wrong_after_cuts(heard: Sequence[Event], cuts_s: Sequence[float], last_s: float) -> list[str]:
    """What is not as promised. ``cuts_s``: the uptimes at the cuts; ``last_s``: what may be lost, in seconds.

    Each life of the machine is an epoch, without a hole in what arrived of it, and with nothing missing that was
    measured ``last_s`` before its end; the epoch after a cut says that it does not know its predecessor's end.
    """
    epochs: dict[str, dict[int, Event]] = defaultdict(dict)
    gaps = [event for event in heard if event["type"] == "gap"]
    for event in heard:
        if event["type"] != "gap":
            epochs[event["epoch"]][event["seq"]] = event
    found = [f"a gap: {gap}" for gap in gaps if not names_what_was_heard(gap, epochs[gap["epoch"]])]
    lives = sorted(epochs)
    if len(lives) != len(cuts_s) + 1:
        found.append(f"{len(cuts_s)} cuts, and the epochs {lives}")
    for name, cut_s in zip(lives, cuts_s, strict=False):
        events = epochs[name]
        missing = set(range(1, max(events) + 1)) - events.keys()
        if missing:
            found.append(f"{name} lacks {sorted(missing)[:5]}")
        newest_s = max(event.get("uptime_ms", 0) for event in events.values()) / 1000
        if newest_s < cut_s - last_s:
            found.append(f"{name} ends at {newest_s:.1f} s, and the power at {cut_s:.1f} s")
    for before, after in itertools.pairwise(lives):
        told = epochs[after].get(1, {})
        if (told.get("type"), told.get("previous"), told.get("previous_last_seq")) != ("epoch", before, None):
            found.append(f"{after} begins with {told}")
    return found


def names_what_was_heard(gap: Event, heard: Mapping[int, Event]) -> bool:
    """After a cut, the store may not know that what it misses has been acknowledged, and says "at most"."""
    return bool(gap["cause"] == "unknown" and set(range(gap["from_seq"], gap["to_seq"] + 1)) <= heard.keys())


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
    assert wrong_after_cuts(broker.heard, lives.cuts_s, SPILL_S + FLUSH_S + SYNC_S) == []


@pytest.mark.timeout(3600)
def test_the_count_finds_what_is_lost_when_nothing_is_kept_on_the_disk(
    tmp_path: Path, broker: Broker, new_bench: Callable[[], Bench]
) -> None:
    lives = Lives(tmp_path, broker, new_bench)
    lives.live(1.0, 8.0, durability="memory")
    lives.end()
    found = wrong_after_cuts(broker.heard, lives.cuts_s, SPILL_S + FLUSH_S + SYNC_S)
    assert any("and the power at" in sentence for sentence in found), found
