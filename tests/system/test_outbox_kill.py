"""kill -9 at random moments, over and over on the same directories: what append() accepted is there, once, unchanged.

The child reports each event after append() returned it, and each acknowledgement before it is made, so that a
report that is missing never looks like a loss. Two controls show that the test can fail.
"""

from __future__ import annotations

import random
import select
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.event import Gap
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.simulation.virtual_clock import VirtualClock

pytestmark = pytest.mark.system

CHILD = """
import os, random, sys, time, zlib
from pathlib import Path
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Gap, Quality, Reason
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import OutboxSettings

root, kind, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
chance = random.Random(seed)

class Clock:
    monotonic = staticmethod(time.monotonic)
    def stamp(self):
        boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        return Stamp(uptime_ms=boot, wall_ms=time.time_ns() // 1_000_000, clock=ClockState.SYNCED)

class Log:
    def info(self, event, /, **facts): pass
    debug = warning = error = info

box = Outbox.open(
    state_directory=root / "state", hot_directory=root / "hot", gateway="gw", clock=Clock(), log=Log(),
    machine=Machine(boot_id="1b4e28ba2fa111d2883f0016d3cca427", hardware_id="x"),
    settings=OutboxSettings(segment_size=8192, max_size=2**22, keep_free=0, spill_after_s=0.01, flush_every_s=0.01,
                            hot_slack=4096),
)
channel = Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=1)
source = Source(sensor="s", channel=channel)

def report(letter, item):
    epoch, seq = item.position.epoch, item.position.seq
    os.write(1, f"{letter} {epoch} {seq} {zlib.crc32(item.body)}\\n".encode())

def news():
    return ChangeEvent(source=source, value=chance.random(), quality=Quality.GOOD, reason=Reason.CHANGE, code=None,
                       stamp=Clock().stamp())

after, in_flight, late = None, [], []
while True:
    events = [news() for _ in range(chance.randrange(1, 12))]
    if kind == "reports_early":
        late += events
        for number in range(len(events)):
            os.write(1, f"A {box.epoch} {box._intake.next_seq + len(late) - len(events) + number} 0\\n".encode())
        if len(late) > 60:
            box.append(late[:-30])  # so that each kill finds some that are not stored
            late = late[-30:]
    else:
        for item in box.append(events):
            report("A", item)
    if kind == "deletes_early":
        ahead = [item for item in box.read(None, max_events=50, max_bytes=10**6) if not isinstance(item, Gap)]
        for item in ahead:
            box.acknowledge(item.position, item.position)
    if chance.random() < 0.3:
        items = box.read(after, max_events=chance.randrange(1, 40), max_bytes=10**6)
        for item in items:
            assert not isinstance(item, Gap), item
        if items:
            after = items[-1].position
            in_flight += items
    if in_flight and chance.random() < 0.3:
        chance.shuffle(in_flight)
        for item in in_flight[len(in_flight) // 3 :]:
            report("K", item)
            box.acknowledge(item.position, item.position)
        in_flight = in_flight[: len(in_flight) // 3]
    box.tend()
    time.sleep(0.0005)
"""

Reports = dict[tuple[str, int], int]


class Silence:
    def info(self, event: str, /, **facts: object) -> None:
        pass

    debug = warning = error = info


def run_until_killed(root: Path, kind: str, chance: random.Random) -> str:
    """One life of the child: its reports, drained after its end."""
    command = [sys.executable, "-c", CHILD, str(root), kind, str(chance.randrange(10**6))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        ready, _, _ = select.select([child.stdout], [], [], 30)
        assert ready, "the child reported nothing"
        deadline = time.monotonic() + chance.uniform(0.01, 0.12)
        chunks: list[bytes] = []
        while (left := deadline - time.monotonic()) > 0:
            if select.select([child.stdout], [], [], left)[0]:
                chunk = child.stdout.read1(65536)  # type: ignore[attr-defined]
                assert chunk, f"the child ended by itself: {child.wait()}"
                chunks.append(chunk)
        child.send_signal(signal.SIGKILL)
        chunks.append(child.stdout.read())
        child.wait()
    return b"".join(chunks).decode()


def taken(reports: str, letter: str) -> Reports:
    found: Reports = {}
    for line in reports.splitlines():
        words = line.split()
        if len(words) == 4 and words[0] == letter:
            place = (words[1], int(words[2]))
            assert found.setdefault(place, int(words[3])) == int(words[3]), f"{place} was given out twice"
    return found


def what_is_left(root: Path) -> list[Any]:
    """Open what the killed ones left, and drain it."""
    box = Outbox.open(
        state_directory=root / "state",
        hot_directory=root / "hot",
        gateway="gw",
        clock=VirtualClock(boot_s=10**6),
        log=Silence(),
        machine=Machine(boot_id="1b4e28ba2fa111d2883f0016d3cca427", hardware_id="x"),
        settings=OutboxSettings(segment_size=8192, max_size=2**22, keep_free=0),  # type: ignore[arg-type]
    )
    found: list[Any] = []
    after = None
    while items := box.read(after, max_events=100, max_bytes=10**6):
        found += items
        after = items[-1].position if not isinstance(items[-1], Gap) else None
    box.close(to_flash=False)
    return found


def lives(root: Path, kind: str, kills: int) -> tuple[Reports, Reports, list[Any]]:
    chance = random.Random(kills)
    reports = "".join(run_until_killed(root, kind, chance) for _ in range(kills))
    return taken(reports, "A"), taken(reports, "K"), what_is_left(root)


def missing_from(accepted: Reports, acknowledged: Reports, left: list[Any]) -> set[tuple[str, int]]:
    there = {(str(item.position.epoch), item.position.seq) for item in left if not isinstance(item, Gap)}
    return set(accepted) - set(acknowledged) - there


def test_nothing_that_was_accepted_is_lost_changed_or_out_of_order_over_15_kills(tmp_path: Path) -> None:
    accepted, acknowledged, left = lives(tmp_path, "sound", 15)
    assert len(accepted) > 300
    assert len(acknowledged) > 50
    assert not [item for item in left if isinstance(item, Gap)]
    assert missing_from(accepted, acknowledged, left) == set()
    places = [(item.position.epoch, item.position.seq) for item in left]
    assert places == sorted(set(places))
    for item in left:
        crc = accepted.get((str(item.position.epoch), item.position.seq))
        assert crc in {None, zlib.crc32(item.body)}, "an event has two contents"
    epochs = {Epoch.parse(epoch) for epoch, _ in accepted}
    for epoch in epochs:
        seqs = sorted(seq for name, seq in accepted if name == str(epoch))
        assert len(seqs) == len(set(seqs))


@pytest.mark.parametrize("kind", ["reports_early", "deletes_early"])
def test_a_store_that_cheats_is_caught(tmp_path: Path, kind: str) -> None:
    accepted, acknowledged, left = lives(tmp_path, kind, 5)
    assert missing_from(accepted, acknowledged, left)
