"""Messages to the service manager, as sd_notify(3) describes them. Without $NOTIFY_SOCKET nothing is sent."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

_FLAGS: Final = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC


class Notifier:
    """Sends states to the service manager. A message that cannot be sent stops nobody: the next one may get through."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Nothing is told where ``environ`` names no socket, or one that is neither a path nor abstract."""
        named = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{named[1:]}" if named.startswith("@") else named

    @property
    def is_heard(self) -> bool:
        """Whether there is anybody to tell."""
        return self._address[:1] in {"/", "\0"}

    def tell(self, *states: str) -> None:
        """Send these states (``READY=1``) in one message. The end of a line within one becomes a space."""
        if not self.is_heard:
            return
        message = "\n".join(state.replace("\n", " ") for state in states).encode("utf-8", "replace")
        with suppress(OSError), socket.socket(socket.AF_UNIX, _FLAGS) as out:
            out.settimeout(0)
            out.sendto(message, self._address)

    def tell_reloading(self) -> None:
        """RELOADING=1, with the moment at which it began, by which systemd tells this reload from another."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def watchdog_s(environ: Mapping[str, str], *, pid: int | None = None) -> float | None:
    """How long the service manager waits for a sign of life; None where it does not wait for ours.

    sd_watchdog_enabled(3): $WATCHDOG_USEC, and $WATCHDOG_PID where it is set is the process that is meant.
    """
    text = environ.get("WATCHDOG_USEC", "")
    meant = environ.get("WATCHDOG_PID") or str(os.getpid() if pid is None else pid)
    if not (text.isascii() and text.isdecimal()) or meant != str(os.getpid() if pid is None else pid):
        return None
    return int(text) / 1_000_000 or None
