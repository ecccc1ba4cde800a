"""Records what a subscriber hears of a gateway in the worst of days, for the tests of deduper and SQL.

Killed gateways and brokers, stalls, lost answers, refusals with 0x97 behind which later messages succeed, a clock that
is set only after half of it, while events wait, and a hot journal that is gone, as after a power cut. To record it
anew::

    PYTHONPATH=tests/proofs .venv/bin/python -m proving.kills.recording tests/data/chaos.jsonl.gz
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from proving.kills.gate import Flow
from proving.kills.judge import Event, Judge
from proving.kills.lives import Lives

SEED = 20261129
CLOCK = """
import time
from pathlib import Path

from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.service.system_clock import SystemClock

is_set = Path(__file__).parent / "clock-is-set"

def stamp(self):
    uptime_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    if is_set.exists():
        return Stamp(uptime_ms=uptime_ms, wall_ms=uptime_ms + int(is_set.read_text()), clock=ClockState.SYNCED)
    return Stamp(uptime_ms=uptime_ms, wall_ms=uptime_ms, clock=ClockState.UNSYNCED)

SystemClock.stamp = stamp
"""
"""A gateway whose clock is set when a file says so."""


class _Listener(Judge):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def hear(self, events: Iterable[Event]) -> None:
        taken = list(events)
        self.events += taken
        super().hear(taken)


def record(directory: Path) -> list[Event]:
    """Everything that was delivered, in the order of its delivery."""
    chance = random.Random(SEED)
    lives = Lives(directory, chance, change=CLOCK)
    lives.judge = listener = _Listener()
    with lives:
        lives.live("plain")
        lives.live("outage")
        _live_busily(lives, chance)
        lives.live("no answers")
        (directory / "clock-is-set").write_text(str(time.time_ns() // 1_000_000 - _uptime_ms()))
        for kind in ("no answers", "stall", "frozen", "plain"):
            lives.live(kind)
        (lives.gateway.hot / "hot.log").unlink()
        lives.live("outage")
        _live_busily(lives, chance)
        complaints = lives.end()
    sys.stdout.write(f"{lives.figures}\n{lives.broker.door.refused} refused\n{complaints[-3:]}\n")
    return listener.events


def _live_busily(lives: Lives, chance: random.Random) -> None:
    """Let messages gather in the window and pass at once, so that some are refused and later ones are not."""
    lives.broker.door.refuse(0.2, chance)
    lives.gateway.start()
    for _ in range(8):
        lives.until_it_says_something()
        lives.broker.door.flow = Flow.NEITHER
        time.sleep(chance.uniform(0.1, 0.3))
        lives.broker.door.flow = Flow.BOTH
    lives.kill()
    lives.broker.door.refuse(0.0, chance)


def _uptime_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        heard = record(Path(name))
    lines = "".join(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n" for event in heard)
    Path(sys.argv[1]).write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
