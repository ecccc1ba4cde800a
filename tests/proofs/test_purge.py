"""A crash at any call of a purge, kill or power cut, leaves all that waited or none of it, and then says so."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from proving.crashes.recorder import RecordingDisk
from proving.crashes.recording import Image, Recording
from proving.purged import free_too_early, objection

from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Gap, Quality, Reason
from sensor_gateway.model.position import Position
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.inspection.looking import Unheard
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.purge_request import PurgeRequest, requests_in, write_request
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.simulation.virtual_clock import VirtualClock

WAITING = [float(number) for number in range(120)]
BOOTS = ("1b4e28ba2fa111d2883f0016d3cca427", "2c4e28ba2fa111d2883f0016d3cca427")


def open_outbox(root: Path, disk: Disk, clock: VirtualClock, boot: str) -> Outbox:
    return Outbox.open(
        state_directory=root / "state",
        hot_directory=root / "hot",
        gateway="gw",
        settings=OutboxSettings(segment_size=4096, max_size=40 * 4096, keep_free=0, hot_slack=4096),  # type: ignore[arg-type]
        clock=clock,
        machine=Machine(boot_id=boot, hardware_id="x"),
        log=Unheard(),
        hands=Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False),
    )


def turns(box: Outbox, clock: VirtualClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.advance(1)
        box.tend()


def fill(root: Path, clock: VirtualClock) -> Position:
    """Events in several segments, and nothing in memory alone; through which position."""
    disk = RecordingDisk(root, Recording(Image(directories={"state", "hot"}, files={})))
    box = open_outbox(root, disk, clock, BOOTS[0])
    channel = Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=1)
    source = Source(sensor="s", channel=channel)
    last = None
    for number in range(0, len(WAITING), 10):
        news = [
            ChangeEvent(
                source=source,
                value=WAITING[number + n],
                quality=Quality.GOOD,
                reason=Reason.CHANGE,
                code=None,
                stamp=clock.stamp(),
            )
            for n in range(10)
        ]
        last = box.append(news)[-1].position
        turns(box, clock, 6)
    turns(box, clock, 20)
    box._opened.release()
    disk.abandon()
    assert last is not None
    return last


def record(root: Path, clock: VirtualClock, through: Position) -> Recording:
    """A purge to its end, with every call of the disk."""
    files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    recording = Recording(Image(directories={"state", "hot", "state/outbox"}, files=files))
    disk = RecordingDisk(root, recording)
    stamp = clock.stamp()
    asked = Moment(boot=int(BOOTS[0][:8], 16), uptime_ms=stamp.uptime_ms, wall_ms=stamp.wall_ms, is_unsynced=False)
    box = open_outbox(root, disk, clock, BOOTS[0])
    write_request(disk, root / "state" / "outbox", PurgeRequest(nonce="1", through=through, asked=asked, by="ann"))
    turns(box, clock, 40)
    box._opened.release()
    disk.abandon()
    assert requests_in(disk, root / "state" / "outbox") == []
    return recording


def delivered(root: Path, boot: str) -> list[Stored | Gap]:
    box = open_outbox(root, Disk(), VirtualClock(boot_s=10**6), boot)
    found: list[Stored | Gap] = []
    while items := box.read(None, max_events=50, max_bytes=10**6):
        found += items
        for item in items:
            if isinstance(item, Stored):
                box.acknowledge(item.position, item.position)
            elif item.from_seq is not None and item.to_seq is not None:
                first, last = (Position(epoch=item.epoch, seq=seq) for seq in (item.from_seq, item.to_seq))  # type: ignore[arg-type]
                box.acknowledge(first, last)
    box.close(to_flash=False)
    return found


def crashes(root: Path, seed: int) -> Iterator[tuple[str, list[Stored | Gap]]]:
    """Each crash by its name, and what is delivered after it."""
    clock = VirtualClock(boot_s=1000.0)
    home = root / "home"
    (home / "hot").mkdir(parents=True)
    recording = record(home, clock, fill(home, clock))
    chance = random.Random(seed)
    for cut in range(len(recording.operations) + 1):
        for kind in ("kill", "strict power cut", "lax power cut", "lax power cut"):
            is_kill = kind == "kill"
            image = (
                recording.kill(cut, chance) if is_kill else recording.cut_power(cut, chance, strict="strict" in kind)
            )
            place = root / f"{cut}-{kind}-{chance.random()}"
            image.build(place)
            for file in requests_in(Disk(), place / "state" / "outbox"):
                file.unlink()  # else the next start would carry it out
            yield f"{kind} at call {cut}, seed {seed}", delivered(place, BOOTS[not is_kill])


@pytest.mark.parametrize("seed", [1, 2])
def test_a_crash_in_the_middle_leaves_everything_or_nothing(tmp_path: Path, seed: int) -> None:
    found = dict(crashes(tmp_path, seed))
    assert {name: text for name, items in found.items() if (text := objection(items, WAITING))} == {}
    are_gone = {any(isinstance(item, Gap) for item in items) for items in found.values()}
    assert are_gone == {True, False}


def test_a_purge_that_frees_before_its_drop_is_safe_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free_too_early(monkeypatch)
    assert any(objection(items, WAITING) for _, items in crashes(tmp_path, 1))
