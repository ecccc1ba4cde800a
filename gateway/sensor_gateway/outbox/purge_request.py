"""The operator's request to discard what waits: a file that a command leaves in the outbox's directory.

The outbox's owner looks for it every few seconds, carries it out, and removes it. One that is too old, or that nobody
can read, is removed without being carried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.files.disk import Disk, read_file, write_atomically
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.identity import seal, unseal

NAME: Final = "purge"
GOOD_FOR_MS: Final = 5 * 60 * 1000
_SIZE_LIMIT: Final = 4096


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


def write_request(disk: Disk, directory: Path, request: PurgeRequest) -> None:
    """Leave a request. OSError where that fails."""
    asked = request.asked
    fields = {
        "nonce": request.nonce,
        "epoch": str(request.through.epoch),
        "seq": str(request.through.seq),
        "asked": f"{asked.boot} {asked.uptime_ms} {asked.wall_ms} {int(asked.is_unsynced)}",
        "by": " ".join(request.by.split()),
    }
    write_atomically(disk, directory / NAME, seal(fields))


def read_request(disk: Disk, directory: Path) -> PurgeRequest | None:
    """The request in a directory; None for a file that is none. OSError where there is no file, or it is not given."""
    fields = unseal(read_file(disk, directory / NAME, _SIZE_LIMIT))
    if fields is None:
        return None
    try:
        boot, uptime_ms, wall_ms, is_unsynced = map(int, fields["asked"].split())
        return PurgeRequest(
            nonce=fields["nonce"],
            through=Position(epoch=Epoch.parse(fields["epoch"]), seq=Seq(int(fields["seq"]))),
            asked=Moment(boot=boot, uptime_ms=uptime_ms, wall_ms=wall_ms, is_unsynced=bool(is_unsynced)),
            by=fields["by"],
        )
    except (KeyError, ValueError):
        return None


def lies_there(disk: Disk, directory: Path, nonce: str) -> bool:
    """Whether this request, and not another that took its place, is in a directory. OSError."""
    try:
        request = read_request(disk, directory)
    except FileNotFoundError:
        return False
    return request is not None and request.nonce == nonce


def take_back(disk: Disk, directory: Path, nonce: str) -> None:
    """Remove this request; another that took its place stays. OSError."""
    if lies_there(disk, directory, nonce):
        disk.unlink(directory / NAME)
