"""What a killed gateway left behind, as the next start would find it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sensor_gateway.model.event import Gap
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.service.identity import read_machine
from sensor_gateway.service.system_clock import SystemClock


class Silence:
    """A Log that nobody reads."""

    def info(self, event: str, /, **facts: object) -> None:
        pass

    debug = warning = error = info


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """``waiting``: the bodies of what is not acknowledged, by seq; ``in_cold`` counts those on flash.

    ``gaps``: how often the store misses something. ``is_new_epoch``: the next start does not go on in the last epoch.
    """

    epoch: str
    next_seq: int
    waiting: dict[int, bytes]
    gaps: int
    in_cold: int
    is_new_epoch: bool


class CopiedDisk(Disk):
    """A copy of the directories stands for them here."""

    def node(self, path: Path) -> str:
        return ""


def snapshot(state: Path, hot: Path, beside: Path) -> Snapshot:
    """Open a copy of the directories, made in ``beside``, and read it to its end; the originals are not touched."""
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(state, beside / "state")
    shutil.copytree(hot, beside / "hot", ignore=shutil.ignore_patterns("*.sock"))
    disk = CopiedDisk()
    box = Outbox.open(
        state_directory=beside / "state",
        hot_directory=beside / "hot",
        gateway="house",
        settings=OutboxSettings(keep_free=0),  # type: ignore[arg-type]
        clock=SystemClock(),
        machine=read_machine(os.environ),
        log=Silence(),
        hands=Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False),
    )
    waiting: dict[int, bytes] = {}
    gaps = 0
    after = None
    while items := box.read(after, max_events=1000, max_bytes=10**6):
        for item in items:
            if isinstance(item, Gap):
                gaps += 1
            else:
                waiting[item.position.seq] = item.body
                after = item.position
        if isinstance(items[-1], Gap):
            break
    found = Snapshot(
        epoch=str(box.epoch),
        next_seq=box._intake.next_seq,
        waiting=waiting,
        gaps=gaps,
        in_cold=box._opened.recovered.pending_in_cold,
        is_new_epoch=box._opened.recovered.is_new_epoch,
    )
    box.close(to_flash=False)
    return found
