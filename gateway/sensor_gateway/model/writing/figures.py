"""Figures for people: sizes, times and counts in words. Pure."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def size(count: float) -> str:
    """Bytes in powers of 1000, with three digits: ``12.3 MB``."""
    unit = 0
    while count >= 999.5 and unit < len(_UNITS) - 1:
        count /= 1000
        unit += 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 or count >= 99.95 else f"{count:.3g} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """Seconds in the largest unit that says something: ``3.2 days``."""
    for name, length in (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{min(seconds / length, 99_999):.3g} {name}"
    return f"{seconds:.0f} seconds"


def counted(count: int, noun: str) -> str:
    """A number of things whose plural ends in s: ``1 fault``, ``12,345 faults``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def events(count: int) -> str:
    """A number of events: ``1 event``, ``12,345 events``."""
    return counted(count, "event")
