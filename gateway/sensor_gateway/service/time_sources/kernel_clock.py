"""The kernel's own word on its clock, which every time daemon keeps up to date: adjtimex(2), read only.

systemd's rule is used (timedated, NTPSynchronized): the estimated error is below 16 s. The kernel lets it grow by
500 ppm while nobody sets the clock. A sandbox with ``ProtectClock=yes`` refuses even the question.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Final

from sensor_gateway.service.time_sources.finding import Finding

_LARGEST_ERROR_US: Final = 16_000_000


class _Timex(ctypes.Structure):
    """``struct timex`` as far as it is read; the rest is room for what the kernel writes behind it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


def largest_error_us() -> int:
    """By how much the clock may be wrong, in microseconds, as the kernel sees it. OSError where it may not be asked."""
    timex = _Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(timex.maxerror)


class KernelClock:
    """Asks the kernel."""

    def __init__(self, ask: Callable[[], int] = largest_error_us) -> None:
        """Ask by ``ask``."""
        self._ask = ask

    def look(self, wall_ms: int) -> Finding:  # noqa: ARG002 (the kernel knows better)
        """Set while the kernel sees an error below 16 s; unknown where it may not be asked."""
        try:
            error_us = self._ask()
        except OSError as error:
            return Finding(
                is_set=None,
                why=f"the kernel may not be asked for its clock ({error.strerror}): in a unit of systemd this takes "
                "ProtectClock=no and SystemCallFilter=adjtimex",
            )
        if error_us < _LARGEST_ERROR_US:
            return Finding(is_set=True, why=f"the kernel holds its clock to be right within {error_us / 1e6:.3f} s")
        return Finding(is_set=False, why="the kernel knows of nobody who has set its clock")
