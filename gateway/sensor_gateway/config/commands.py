"""The ``commands:`` section: what may be asked of the gateway through the broker. Nothing, unless it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from sensor_gateway.config.values.notation import Within
from sensor_gateway.model.units import Bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsSection:
    """What may be asked of this gateway through the broker, and how much of it. Off unless ``allow`` names something.

    Whoever may publish on the command topics can use it: the broker's access list decides who that is.
    """

    allow: Annotated[
        tuple[Literal["read", "reload", "log-level"], ...],
        "Commands that are carried out; all others are refused. read: poll a sensor now; reload: read this file anew; "
        "log-level: log more for a while.",
    ] = ()
    per_minute: Annotated[
        int, "Most commands carried out in a minute; a sixth of them may come at once.", Within(1, 600)
    ] = 30
    max_size: Annotated[Bytes, "Largest request; a larger one is refused unread.", Within(64, 65_536)] = Bytes(4000)
