"""The operator's request to discard what waits: an empty file in the outbox's directory, whose name says everything.

So it fits on a card that has no byte left, is there whole or not at all, and needs no reading. The outbox's owner looks
for it every few seconds, carries it out, and removes it. One that is too old, or that nobody can read, is removed
without being carried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.files.disk import CREATE_NEW, Disk
from sensor_gateway.outbox.files.moment import Moment

GOOD_FOR_MS: Final = 5 * 60 * 1000
_PREFIX: Final = "purge,"
_LONGEST_PERSON: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeRequest:
    """Discard all that waits through a position. ``nonce`` tells one request from another, ``by`` names a person."""

    nonce: str
    through: Position
    asked: Moment
    by: str

    def is_stale(self, now: Moment) -> bool:
        """Whether whoever asked must have given up by now; also where no clock can tell."""
        age_ms = self.asked.age_ms(now)
        return age_ms is None or abs(age_ms) > GOOD_FOR_MS


def write_request(disk: Disk, directory: Path, request: PurgeRequest) -> Path:
    """Leave a request; its file. OSError where that fails."""
    asked, through = request.asked, request.through
    fields = (
        request.nonce,
        through.epoch,
        through.seq,
        asked.boot,
        asked.uptime_ms,
        asked.wall_ms,
        int(asked.is_unsynced),
        quote(" ".join(request.by.split()), safe=" ()@")[:_LONGEST_PERSON],
    )
    file = directory / f"{_PREFIX}{','.join(map(str, fields))}"
    disk.close(disk.open(file, CREATE_NEW))
    return file


def requests_in(disk: Disk, directory: Path) -> list[Path]:
    """The files that are requests; none where nobody can look."""
    try:
        return [directory / name for name in disk.names(directory) if name.startswith(_PREFIX)]
    except OSError:
        return []


def read_request(file: Path) -> PurgeRequest | None:
    """The request that a file is; None for a name that nobody can read."""
    fields = file.name.removeprefix(_PREFIX).split(",")
    try:
        nonce, epoch, seq, *asked, by = fields
        boot, uptime_ms, wall_ms, is_unsynced = map(int, asked)
        return PurgeRequest(
            nonce=nonce,
            through=Position(epoch=Epoch.parse(epoch), seq=Seq(int(seq))),
            asked=Moment(boot=boot, uptime_ms=uptime_ms, wall_ms=wall_ms, is_unsynced=bool(is_unsynced)),
            by=unquote(by),
        )
    except ValueError:
        return None
