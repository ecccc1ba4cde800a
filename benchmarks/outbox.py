"""What the outbox costs: storing, acknowledging, spilling, opening a million waiting events, and giving them out.

usage: python benchmarks/outbox.py [EVENTS]     how many wait at the opening (default 1000000)

Times are CPU of the process, the least of several rounds, in microseconds per event. The yardsticks below the table
are plain work on the same machine in the same minute, so that figures carry over to others. See benchmarks/README.md.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.event_json import EventEncoder
from sensor_gateway.model.position import Epoch, Position
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.model.units import Bytes
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.inspection.looking import Unheard
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.publishing.stream.batch import end
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.simulation.virtual_clock import BOOT_WALL_MS, VirtualClock

ROUND = 200
ROUNDS = 300
BOOT = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
HOT_ROOT = "/dev/shm"  # noqa: S108 - the tmpfs that every Linux has
ALL = 10**9


class Written:
    """Stands in for the encoder with events that are written already: what is left is the cost of storing."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self._next = cycle(bodies).__next__

    def value(self, _event: ChangeEvent, _epoch: str, _seq: int) -> bytes:
        return self._next()


def wandering(count: int, per_s: float) -> list[ChangeEvent]:
    """Events of eight temperatures that wander with noise, each with its own stamp."""
    dice = random.Random(1)  # noqa: S311 - the same events each time
    channel = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01)
    sources = [Source(sensor=f"room-{number}", channel=channel) for number in range(8)]
    values = [dice.uniform(5, 30) for _ in sources]
    events = []
    for number in range(count):
        at = dice.randrange(len(sources))
        values[at] += dice.gauss(0, 0.2)
        passed_ms = int(number * 1000 / per_s) + dice.randrange(20)
        stamp = Stamp(uptime_ms=3_600_000 + passed_ms, wall_ms=BOOT_WALL_MS + passed_ms, clock=ClockState.SYNCED)
        events.append(
            ChangeEvent(
                source=sources[at],
                value=round(values[at], 3),
                quality=Quality.GOOD,
                reason=Reason.CHANGE,
                code=None,
                stamp=stamp,
            )
        )
    return events


def opened(state: Path, hot: Path, clock: Clock, hands: Hands | None = None) -> Outbox:
    """An outbox on the real disk, with room enough."""
    return Outbox.open(
        state_directory=state,
        hot_directory=hot,
        gateway="greenhouse",
        settings=OutboxSettings(keep_free=Bytes(0), max_size=Bytes(10**9)),
        clock=clock,
        machine=Machine(boot_id=BOOT, hardware_id="100000001234abcd"),
        log=Unheard(),
        hands=hands,
    )


@contextmanager
def empty_outbox(clock: Clock, hands: Hands | None = None) -> Iterator[Outbox]:
    """A new one, its hot journal on a tmpfs, its first event acknowledged."""
    with tempfile.TemporaryDirectory(dir=HOT_ROOT) as hot, tempfile.TemporaryDirectory() as state:
        outbox = opened(Path(state), Path(hot), clock, hands)
        take_all(outbox)
        yield outbox
        outbox.close(to_flash=False)


def take_all(outbox: Outbox) -> int:
    """Read and acknowledge all that waits; gives how many that were."""
    count = 0
    while items := outbox.read(None, max_events=100, max_bytes=ALL):
        places = [item.position for item in items if not hasattr(item, "cause")]
        outbox.acknowledge(places[0], places[-1])
        outbox.tend()
        count += len(items)
    return count


def least_us(*works: Callable[[], object], rounds: int = ROUNDS, after: Callable[[], object] = int) -> list[float]:
    """CPU microseconds of the best round of each, divided by ROUND.

    They take turns, so that all meet the same load; ``after`` is not counted.
    """
    best_s = [float("inf")] * len(works)
    for _ in range(rounds):
        for at, work in enumerate(works):
            began_s = time.process_time()
            work()
            best_s[at] = min(best_s[at], time.process_time() - began_s)
        after()
    return [one_s / ROUND * 1e6 for one_s in best_s]


def dumps() -> Callable[[], object]:
    """The yardstick: json.dumps of ROUND events."""
    encoder = EventEncoder("greenhouse", BOOT[:8])
    fields = [json.loads(encoder.value(event, "000001-7f3c9a2e", 12_345)) for event in wandering(ROUND, 100)]
    return lambda: [json.dumps(one) for one in fields]


def leave_encoding_out(outbox: Outbox, events: Sequence[ChangeEvent]) -> None:
    """Write these events beforehand; their seqs will be wrong."""
    intake: Any = outbox._intake  # noqa: SLF001 - there is no other way to leave out a part of the way
    encode, epoch = intake._encoder.value, str(outbox.epoch)  # noqa: SLF001
    intake._encoder = Written([encode(event, epoch, seq) for seq, event in enumerate(events, 123_456)])  # noqa: SLF001


def online(batch: int, *, is_encoding: bool, rounds: int = ROUNDS) -> list[float]:
    """Append and acknowledge, per event, and the yardstick; a turn of housekeeping (not counted) behind 200 events."""
    events = wandering(ROUND, 100)
    batches = [events[at : at + batch] for at in range(0, ROUND, batch)]
    with empty_outbox(SystemClock()) as outbox:
        if not is_encoding:
            leave_encoding_out(outbox, events)

        def work() -> None:
            for some in batches:
                stored = outbox.append(some)
                outbox.acknowledge(stored[0].position, stored[-1].position)

        return least_us(work, dumps(), rounds=rounds, after=outbox.tend)


def offline(per_s: int, seconds: int = 120) -> tuple[float, float]:
    """Nobody acknowledges: CPU of append and spill (every 5 s), and bytes in segments, per event."""
    clock = VirtualClock(boot_s=3600.0)
    disk = Disk()
    events = wandering(per_s * seconds, per_s)
    with empty_outbox(clock, Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False)) as outbox:
        outbox.tend()
        began_s = time.process_time()
        for second in range(seconds):
            for event in events[second * per_s : (second + 1) * per_s]:
                outbox.append([event])
            clock.advance(1)
            outbox.tend()
        cpu_s = time.process_time() - began_s
        parts: Any = outbox._opened._parts  # noqa: SLF001 - a segment's file does not tell how full it is
        used = sum(segment.end for segment in parts.cold.shelf.segments)
        return cpu_s / len(events) * 1e6, used / outbox.counters.spilled


def fill(state: Path, hot: Path, count: int) -> None:
    """Let so many events wait, and end by kill -9."""
    disk = Disk()
    clock = VirtualClock(boot_s=3600.0)
    outbox = opened(state, hot, clock, Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False))
    events = wandering(10_000, 100)
    leave_encoding_out(outbox, events)
    for at in range(0, count, 100):
        outbox.append(events[at % 10_000 : at % 10_000 + 100])
        clock.advance(1)
        outbox.tend()
    os.kill(os.getpid(), signal.SIGKILL)


def status_kb(key: str) -> int:
    """A line of this process's status, such as VmRSS."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def open_what_waits(state: Path, hot: Path) -> tuple[Outbox, dict[str, float]]:
    """Open it in this process; gives what that took, its memory in KiB."""
    disk = Disk()
    clock = VirtualClock(boot_s=100_000.0)
    hands = Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False)
    before_kb = status_kb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    began = time.perf_counter(), time.process_time()
    outbox = opened(state, hot, clock, hands)
    return outbox, {
        "open_ms": (time.perf_counter() - began[0]) * 1e3,
        "open_cpu_ms": (time.process_time() - began[1]) * 1e3,
        "open_rss_kb": status_kb("VmRSS") - before_kb,
        "open_peak_kb": status_kb("VmHWM") - before_kb,
        "pending": outbox.pending,
    }


def drain(outbox: Outbox) -> dict[str, float]:
    """Read all of it; then read and acknowledge all of it. Events per second of CPU."""
    before_kb = status_kb("VmRSS")
    last: Position | None = None
    count, began_s = 0, time.process_time()
    while items := outbox.read(last, max_events=100, max_bytes=ALL):
        last = end(items[-1])
        count += len(items)
    read_s, began_s = time.process_time() - began_s, time.process_time()
    taken = take_all(outbox)
    return {
        "read": count,
        "read_per_s": count / read_s,
        "read_and_acknowledged": taken,
        "read_and_acknowledged_per_s": taken / (time.process_time() - began_s),
        "drain_peak_kb": status_kb("VmHWM") - before_kb,
    }


def forget_pages(directory: Path) -> None:
    """Put a directory's files on the medium and out of the page cache, so that opening them reads the disk."""
    for path in directory.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def after_an_outage(count: int, *, is_draining: bool) -> dict[str, float]:
    """Fill, kill, forget, open, and perhaps drain, with a process for each of the two lives."""
    with tempfile.TemporaryDirectory(dir=HOT_ROOT) as hot, tempfile.TemporaryDirectory() as state:
        command = [sys.executable, __file__]
        filled = subprocess.run([*command, "fill", state, hot, str(count)], check=False)
        if filled.returncode != -signal.SIGKILL:
            raise SystemExit("the outbox could not be filled")
        forget_pages(Path(state))
        done = subprocess.run(
            [*command, "drain" if is_draining else "open", state, hot], check=True, capture_output=True, text=True
        )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def yardsticks() -> dict[str, float]:
    """Plain work, in microseconds."""
    event = wandering(1, 1)[0]
    encoder = EventEncoder("greenhouse", BOOT[:8])
    epoch = str(Epoch(ordinal=1, random=2))
    with tempfile.TemporaryFile(dir=HOT_ROOT) as file:
        descriptor, data = file.fileno(), bytes(200)
        costs = least_us(
            dumps(),
            lambda: [os.pwrite(descriptor, data, 0) for _ in range(ROUND)],
            lambda: [encoder.value(event, epoch, number) for number in range(ROUND)],
        )
    return dict(zip(("json.dumps of an event", "pwrite of 200 bytes", "our encoder"), costs, strict=True))


def main() -> None:
    if sys.argv[1:2] == ["fill"]:
        fill(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    if sys.argv[1:2] in (["open"], ["drain"]):
        outbox, figures = open_what_waits(Path(sys.argv[2]), Path(sys.argv[3]))
        if sys.argv[1] == "drain":
            figures |= drain(outbox)
        print(json.dumps(figures))
        return
    for batch in (1, 10, 100):
        bare, dumps_us = online(batch, is_encoding=False)
        whole = online(batch, is_encoding=True)[0]
        name = f"append and acknowledge, {batch} at a time"
        print(
            f"{name:44} {bare:8.1f} µs without JSON ({bare / dumps_us:.2f} json.dumps), {whole:.1f} with it", flush=True
        )
    for per_s in (1, 10, 100):
        cpu_us, size = offline(per_s)
        name = f"append and spill, offline, {per_s} events/s"
        print(f"{name:44} {cpu_us:8.1f} µs with JSON; {size:.0f} bytes in segments", flush=True)
    count = int(sys.argv[1]) if sys.argv[1:] else 1_000_000
    print("after kill -9, out of the page cache:")
    for name, figure in after_an_outage(count, is_draining=True).items():
        print(f"    {name:40} {figure:12,.1f}")
    for name, cost in yardsticks().items():
        print(f"yardstick: {name:33} {cost:8.2f} µs")


if __name__ == "__main__":
    main()
