"""A real-time clock with a battery, from which the kernel took the time at boot.

``/sys/class/rtc/rtc*/hctosys`` is 1 for the one that set the system's clock, ``since_epoch`` is its present time
(Linux, Documentation/ABI/testing/sysfs-class-rtc). Anybody may read both, in a sandbox too. A clock whose battery
is empty starts in 1970 or 2000: it is not believed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sensor_gateway.service.time_sources.finding import PLAUSIBLE_MS, Finding

DIRECTORY: Final = Path("/sys/class/rtc")
_AGREEMENT_S: Final = 2


class Rtc:
    """Looks at the clocks that the kernel knows."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        """Look in ``directory``."""
        self._directory = directory

    def look(self, wall_ms: int) -> Finding:
        """Set where a clock with a plausible year set the system's, or agrees with it."""
        try:
            devices = sorted(self._directory.iterdir())
        except OSError:
            devices = []
        if not devices:
            return Finding(is_set=None, why=f"there is no real-time clock: {self._directory} is empty")
        for device in devices:
            shown_s = _number(device / "since_epoch")
            if shown_s is None or shown_s * 1000 < PLAUSIBLE_MS:
                continue
            is_origin = _number(device / "hctosys") == 1
            if is_origin or abs(shown_s - wall_ms / 1000) <= _AGREEMENT_S:
                return Finding(is_set=True, why=f"the clock was set from the real-time clock {device.name}")
        names = ", ".join(device.name for device in devices)
        return Finding(is_set=False, why=f"no real-time clock ({names}) has both a plausible year and set the clock")


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):
        return None
