"""The ``metrics:`` section: a port that monitoring reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from sensor_gateway.config.values.notation import Within

DEFAULT_PORT: Final = 9756


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSection:
    """How the gateway is, for Prometheus and whoever reads its format, at ``http://HOST:PORT/metrics``.

    Whoever reaches the port may read it: by default that is this machine alone.
    """

    host: Annotated[str, "Address to listen at: 127.0.0.1 for this machine alone, 0.0.0.0 for all of its networks."] = (
        "127.0.0.1"
    )
    port: Annotated[int, "TCP port to listen at.", Within(1, 65535)] = DEFAULT_PORT

    @property
    def address(self) -> str:
        """Host and port, as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
