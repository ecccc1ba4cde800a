"""What is known of a gateway's earlier lives: one value, fixed at its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sensor_gateway.model.vitals.moment import Rfc3339


class Ending(StrEnum):
    """How a life of the program ended.

    ``killed`` within a boot that goes on: by a signal, or for want of memory. ``machine``: the machine went down under
    it, by a power cut or a reset. ``watchdog``: the service manager ended it, since it stood still. ``crashed`` and
    ``hung`` were noted by the program itself.
    """

    CLEAN = "clean"
    KILLED = "killed"
    MACHINE = "machine"
    CRASHED = "crashed"
    HUNG = "hung"
    WATCHDOG = "watchdog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Starts so far, this one included, and how the life before this one ended; None where none is known of.

    ``reason`` is a sentence or empty. ``noted`` is when that life was noted last: it ended then or later.
    """

    starts: int = 1
    starts_this_boot: int = 1
    ended: Ending | None = None
    reason: str = ""
    noted: Rfc3339 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A past, and how many polls of each sensor failed in it, as far as they were noted."""

    past: Past = Past()
    failures: Mapping[str, int] = field(default_factory=dict)
