"""Who this outbox is: the directory's own id, the hardware it ran on, and the epoch that is on flash.

Two small text files, each closed by a checksum, replaced atomically and synced. The first line carries the version
of the whole directory; a version above ours means: leave everything untouched.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.files.disk import Disk, read_file, write_atomically

FORMAT: Final = 1
IDENTITY: Final = "identity"
EPOCH: Final = "epoch"
REFUSED_EVENTS: Final = "refused-events.jsonl"
"""Not ours, but beside us in the state directory: whoever publishes keeps there what no broker takes."""
_FIRST_LINE: Final = "sensor-gateway-outbox"
_SIZE_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine as it is now. ``boot_id`` is empty where unknown; its dashes do not matter."""

    boot_id: str
    hardware_id: str

    @property
    def boot_bytes(self) -> bytes:
        """The boot id as 16 bytes; zeros where it is unknown or no boot id."""
        digits = self.boot_id.strip().replace("-", "").lower()
        try:
            return bytes.fromhex(digits) if len(digits) == 32 else bytes(16)
        except ValueError:
            return bytes(16)

    @property
    def boot(self) -> str:
        """Its first 8 digits, as events carry them."""
        return self.boot_bytes[:4].hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What is kept of an outbox for as long as its directory lives.

    ``node`` is the directory's inode: a copy has another one, and both must not go on in one epoch.
    """

    directory_id: str
    hardware_id: str
    client_suffix: str
    node: str = ""

    @classmethod
    def create(cls, hardware_id: str) -> Identity:
        """A new one, like no other."""
        return cls(directory_id=secrets.token_hex(16), hardware_id=hardware_id, client_suffix=secrets.token_hex(4))


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochMark:
    """The newest epoch on flash. ``ended_at`` is its last seq where it ended in order, with everything safe.

    ``taken``: the digest of a hot journal that could not be replaced, and of which all is on flash ("-": of none).
    """

    epoch: Epoch
    ended_at: int | None
    taken: str = "-"


def seal(fields: Mapping[str, str]) -> bytes:
    """Lines of ``key value``, under the version and above a checksum."""
    lines = [f"{_FIRST_LINE} {FORMAT}", *(f"{key} {value}" for key, value in fields.items())]
    text = "".join(f"{line}\n" for line in lines).encode()
    return text + f"crc32 {zlib.crc32(text):08x}\n".encode()


def unseal(data: bytes) -> dict[str, str] | None:
    """What ``seal`` closed; None where anything was changed."""
    if format_of(data) != FORMAT:
        return None
    lines = data.decode(errors="replace").splitlines()[:-1]
    return {key: value for key, _, value in (line.partition(" ") for line in lines[1:])}


def format_of(data: bytes) -> int | None:
    """The version in the first line; None where anything was changed. Every version keeps first and last line."""
    text, _, crc = data.rpartition(b"crc32 ")
    words = text.partition(b"\n")[0].split()
    is_ours = len(words) == 2 and words[0] == _FIRST_LINE.encode() and words[1].isdigit()
    return int(words[1]) if is_ours and crc == f"{zlib.crc32(text):08x}\n".encode() else None


def is_newer(disk: Disk, directory: Path) -> bool:
    """Whether a directory was written by a newer version."""
    version = format_of(_read(disk, directory / IDENTITY))
    return version is not None and version > FORMAT


def read_identity(disk: Disk, directory: Path) -> Identity | None:
    """The identity kept in a directory; None where there is none that can be trusted."""
    fields = unseal(_read(disk, directory / IDENTITY))
    if fields is None or not {"directory", "hardware", "client"} <= fields.keys():
        return None
    if len(fields["directory"]) != 32 or not set(fields["directory"]) <= set("0123456789abcdef"):
        return None
    return Identity(
        directory_id=fields["directory"],
        hardware_id=fields["hardware"],
        client_suffix=fields["client"],
        node=fields.get("node", ""),
    )


def write_identity(disk: Disk, directory: Path, identity: Identity) -> None:
    """Keep an identity. OSError where that fails."""
    write_atomically(disk, directory / IDENTITY, identity_text(identity))


def identity_text(identity: Identity) -> bytes:
    """An identity as it is kept."""
    fields = {
        "directory": identity.directory_id,
        "hardware": " ".join(identity.hardware_id.split()),
        "client": identity.client_suffix,
        "node": identity.node,
    }
    return seal(fields)


def read_epoch(disk: Disk, directory: Path) -> EpochMark | None:
    """The newest epoch on flash; None where there is none that can be trusted."""
    fields = unseal(_read(disk, directory / EPOCH))
    if fields is None:
        return None
    ended = fields.get("ended", "-")
    try:
        return EpochMark(
            epoch=Epoch.parse(fields.get("epoch", "")),
            ended_at=None if ended == "-" else int(ended),
            taken=fields.get("taken", "-"),
        )
    except ValueError:
        return None


def write_epoch(disk: Disk, directory: Path, mark: EpochMark) -> None:
    """Put an epoch on flash, and wait until it is there. OSError where that fails."""
    write_atomically(disk, directory / EPOCH, epoch_text(mark))


def store_epoch(disk: Disk, directory: Path, mark: EpochMark, log: Log) -> bool:
    """The same; False, and a line in the log, where that fails."""
    try:
        write_epoch(disk, directory, mark)
    except OSError as error:
        log.error("outbox_epoch_not_stored", epoch=str(mark.epoch), error=str(error))  # noqa: TRY400
        return False
    return True


def epoch_text(mark: EpochMark) -> bytes:
    """An epoch as it is kept."""
    ended = "-" if mark.ended_at is None else str(mark.ended_at)
    taken = {} if mark.taken == "-" else {"taken": mark.taken}
    return seal({"epoch": str(mark.epoch), "ended": ended, **taken})


def _read(disk: Disk, path: Path) -> bytes:
    try:
        return read_file(disk, path, _SIZE_LIMIT)
    except OSError:
        return b""
