"""Who knows how the gateway is, as those see it who ask on behalf of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sensor_gateway.model.vitals.gateway_health import Health


class Examined(Protocol):
    """For any thread."""

    @property
    def newest(self) -> Health | None:
        """As it was examined last."""
        ...

    def ask(self, ring: Callable[[], None]) -> None:
        """Examine it in the publisher's next turn, and ring then."""
        ...
