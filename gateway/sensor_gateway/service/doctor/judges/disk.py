"""Judges the disk under the state directory, and how worn its card is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.service.doctor.finding import Finding, advice, ok, wrong

_VOLATILE: Final = frozenset({"tmpfs", "ramfs", "overlay", "squashfs"})
_NEAR: Final = 2
_MB: Final = 1_000_000
_GB: Final = 1_000_000_000
_MUCH_A_DAY: Final = 5 * _GB
"""Of one card, by everything on it: two cards of a home automation server with 16 GB a day lasted 18 months."""

_LEAST_UPTIME_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_WORN: Final = 0x09
_EXCEEDED: Final = 0x0B
_URGENT: Final = 0x03


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFacts:
    """The file system under a directory. ``inodes`` is 0 where it has no fixed number of them."""

    directory: Path
    mount: str
    kind: str
    options: frozenset[str]
    free: int
    inodes: int
    free_inodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """One card or eMMC. ``life`` and ``pre_eol`` are JEDEC's estimates (eMMC 5.1, EXT_CSD 267 to 269), None without.

    ``written`` is what the kernel wrote to it since this computer started, ``uptime_s`` ago.
    """

    name: str
    life: int | None
    pre_eol: int | None
    written: int
    uptime_s: float


def judge_disk(disk: DiskFacts, *, keep_free: int) -> Iterator[Finding]:
    """``keep_free``: what the outbox leaves free, in bytes."""
    place, mount = shlex.quote(str(disk.directory)), shlex.quote(disk.mount)
    look = f"df -h {place} && df -i {place}"
    if "ro" in disk.options:
        yield wrong(
            "disk",
            f"{disk.mount} is mounted read-only: events are kept in memory alone",
            f"sudo mount -o remount,rw {mount}   # if that fails: dmesg | tail",
        )
    elif disk.kind in _VOLATILE:
        yield advice(
            "disk",
            f"{disk.directory} lies on {disk.kind}: what waits is gone after a restart of this computer",
            "sensor-gateway run --state-directory DIR   # DIR on a partition that keeps what is written",
        )
    if disk.free < keep_free:
        yield wrong("disk", f"{disk.free // _MB} MB free, less than outbox.keep_free ({keep_free // _MB} MB)", look)
    elif disk.free < _NEAR * keep_free:
        yield advice("disk", f"{disk.free // _MB} MB free, and outbox.keep_free is {keep_free // _MB} MB", look)
    elif disk.inodes and disk.free_inodes * 100 < disk.inodes:
        yield wrong("disk", f"{disk.free_inodes} inodes left on {disk.mount}: soon no file can be made", look)
    else:
        yield ok("disk", f"{disk.free // _MB} MB free on {disk.mount} ({disk.kind})")
    if "sync" in disk.options:
        yield advice(
            "disk",
            f"{disk.mount} is mounted with sync, which wears a card",
            f"sudo mount -o remount,async {mount}",
        )


def judge_card(card: CardFacts) -> Iterator[Finding]:
    """Wear as the card tells it, where it does; and how much is written to it."""
    subject, look = f"card {card.name}", "sudo apt install iotop && sudo iotop -ao   # who writes so much"
    if card.pre_eol is not None and card.pre_eol >= _URGENT:
        yield wrong(subject, "the card says that its reserve is nearly used up", _copy(card))
    elif card.life is not None and card.life >= _WORN:
        used = (
            "more than its whole life is used" if card.life >= _EXCEEDED else f"{card.life * 10 - 10} % or more is used"
        )
        yield advice(subject, f"the card says that {used}", _copy(card))
    elif card.life:
        yield ok(subject, f"the card says that at most {card.life * 10} % of its life is used")
    if card.uptime_s < _LEAST_UPTIME_S:
        return
    per_day = card.written / card.uptime_s * _DAY_S
    told = f"everything on this computer writes {per_day / _GB:.1f} GB a day to it"
    yield advice(subject, told, look) if per_day > _MUCH_A_DAY else ok(subject, told)


def _copy(card: CardFacts) -> str:
    return f"sudo dd if=/dev/{card.name} bs=4M status=progress | gzip >card.img.gz   # elsewhere; then change the card"


def judge_outbox_writes(per_day: float | None) -> Iterator[Finding]:
    """``per_day``: what the outbox writes at most, in bytes."""
    if per_day is not None:
        yield ok("card", f"the outbox writes at most {per_day / _MB:.2f} MB a day")
