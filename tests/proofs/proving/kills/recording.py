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
import dataclasses
import time
from pathlib import Path

from sensor_gateway.model.event_json import corrected, is_unsynced
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.outbox.files.record import framed_size
from sensor_gateway.outbox.intake import Intake
from sensor_gateway.publishing.stream.batch import Packer
from sensor_gateway.service.system_clock import SystemClock

here = Path(__file__).parent
is_set = here / "clock-is-set"
is_told = here / "clock-is-told"

def stamp(self):
    uptime_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    if is_set.exists():
        return Stamp(uptime_ms=uptime_ms, wall_ms=uptime_ms + int(is_set.read_text()), clock=ClockState.SYNCED)
    return Stamp(uptime_ms=uptime_ms, wall_ms=uptime_ms, clock=ClockState.UNSYNCED)

SystemClock.stamp = stamp
pack_as_stored = Packer.pack

def better(entry, offset_ms):
    if not hasattr(entry, "body") or not is_unsynced(entry.body):
        return entry
    return dataclasses.replace(entry, body=corrected(entry.body, entry.uptime_ms + offset_ms))

def pack(self, entries, *, room, uptime_ms):
    if is_set.exists():
        entries = [better(entry, int(is_set.read_text())) for entry in entries]
    return pack_as_stored(self, entries, room=room, uptime_ms=uptime_ms)

Packer.pack = pack
begin_as_it_is = Intake.begin

def begin(self, *given):
    begin_as_it_is(self, *given)
    if is_set.exists() and not is_told.exists():
        offset_ms = int(is_set.read_text())
        body = self._encoder.clock(offset_ms, self._clock.stamp(), self._epoch_text, self.next_seq)
        self._store((body,), framed_size((body,)))
        is_told.touch()

Intake.begin = begin
"""
"""A gateway whose clock is set when a file says so: it corrects what it sends from then on, and says so at a start."""


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
