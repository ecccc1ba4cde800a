"""Wakes a thread that waits in a selector. Any thread may ring, at any time."""

from __future__ import annotations

import os


class Bell:
    """An event descriptor, which is closed when nobody holds the bell any more: so it rings for nobody else, ever."""

    def __init__(self) -> None:
        """Silent."""
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def __del__(self) -> None:
        """Close the descriptor: nobody is left who could ring."""
        os.close(self._descriptor)

    def fileno(self) -> int:
        """For selectors: readable after ``ring``."""
        return self._descriptor

    def ring(self) -> None:
        """Make the selector see it."""
        os.eventfd_write(self._descriptor, 1)

    def heard(self) -> None:
        """Be silent again. BlockingIOError where nobody has rung."""
        os.eventfd_read(self._descriptor)
