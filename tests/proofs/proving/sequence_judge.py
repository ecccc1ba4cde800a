"""Remembers every event that any instance ever handed out, and knows when an id names two of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from sensor_gateway.model.event import Gap
from sensor_gateway.model.position import Epoch
from sensor_gateway.outbox.files.cursor import SLOT_SIZE, decode_slot
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.hot import decode
from sensor_gateway.outbox.files.record import scan
from sensor_gateway.outbox.identity import is_newer, read_epoch
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.stored import Stored

_READER = Disk()


class Broken(AssertionError):
    """A promise about ids was broken."""


def expect(holds: bool, otherwise: str) -> None:  # noqa: FBT001
    """Broken, with these words, unless it holds."""
    if not holds:
        raise Broken(otherwise)


class SequenceJudge:
    """``bodies``: by epoch, with its random bits, and seq. ``ends``: the last seq that each epoch ever gave out."""

    def __init__(self) -> None:
        self.bodies: dict[tuple[str, int], bytes] = {}
        self.ends: dict[Epoch, int] = {}
        self.unsure: dict[Epoch, int] = {}
        self._borders: dict[str, tuple[str | None, int | None]] = {}

    def saw(self, items: Iterable[Stored | Gap]) -> None:
        """An instance handed these out."""
        for item in items:
            if isinstance(item, Gap):
                continue
            place = (str(item.position.epoch), item.position.seq)
            known = self.bodies.setdefault(place, item.body)
            if known != item.body:
                raise Broken(f"{place} has two contents: {known!r} and {item.body!r}")
            if item.position.seq == 1:
                self._check_first(place[0], item.body)

    def began(self, box: Outbox, readable: set[Epoch]) -> None:
        """An instance started; ``readable``: the epochs that stood in its files before."""
        recovered = box._opened.recovered
        epoch = recovered.epoch
        if not recovered.is_new_epoch:
            if epoch not in self.ends:
                raise Broken(f"{epoch} goes on and never began")
            return
        if epoch in self.ends:
            raise Broken(f"{epoch} begins twice")
        if any(known.ordinal >= epoch.ordinal for known in readable):
            raise Broken(f"{epoch} does not come after {max(readable)}")
        previous, last = recovered.previous, recovered.previous_last_seq
        if previous is not None and previous not in self.ends:
            raise Broken(f"{epoch} names {previous} as the one before, which never was")
        if previous is not None and last is not None:
            least = self.ends[previous]
            if not least <= last <= least + self.unsure.get(previous, 0):
                raise Broken(f"{epoch} says that {previous} ended at {last}, and it ended at {least}")
        if previous is None and last is not None:
            raise Broken(f"{epoch} knows the last seq of nothing")
        self._borders[str(epoch)] = (None if previous is None else str(previous), last)

    def note_end(self, epoch: Epoch, last: int, *, unsure: int = 0) -> None:
        """So far an epoch has come; the last call may have given out so many more before the process died."""
        self.ends[epoch] = max(self.ends.get(epoch, 0), last)
        if unsure:
            self.unsure[epoch] = self.unsure.get(epoch, 0) + unsure

    def _check_first(self, epoch: str, body: bytes) -> None:
        fields = json.loads(body)
        said = (fields.get("previous"), fields.get("previous_last_seq"))
        if fields["type"] != "epoch" or said != self._borders.get(epoch, said):
            raise Broken(f"the first event of {epoch} is not what its start knew: {body!r}")


def readable_epochs(state: Path, hot: Path | None) -> set[Epoch]:
    """Every epoch that stands in the files which a start may read."""
    directory = state / "outbox"
    found = {mark.epoch for name in ("outbox", "outbox-v1") if (mark := read_epoch(_READER, state / name))}
    if is_newer(_READER, directory):
        directory = state / "outbox-v1"
    for segment in directory.glob("*.seg"):
        found |= {header.epoch for header, _, _ in scan(segment.read_bytes(), generation=int(segment.stem))}
    cursor = directory / "cursor-mqtt"
    if cursor.exists():
        data = cursor.read_bytes()
        slots = [slot for at in (0, SLOT_SIZE) if (slot := decode_slot(data[at : at + SLOT_SIZE]))]
        if slots:
            found.add(max(slots, key=lambda slot: slot[0])[1].epoch)
    if hot is not None and hot.exists():
        contents = decode(hot.read_bytes())
        if contents.is_newer and (beside := hot.with_name("hot-v1.log")).exists():
            contents = decode(beside.read_bytes())
        found |= {record.epoch for record in contents.records}
        found |= {contents.header.epoch} if contents.header else set()
    return found
