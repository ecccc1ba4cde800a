"""A bus that is given up for a while, since something outside needs it: a device that is open cannot be taken away.

The kernel ends no I2C adapter while anybody has it open: whoever unbinds its driver waits until the last one has closed
it, and cannot be killed meanwhile (``i2c_del_adapter``).
"""

from __future__ import annotations

from collections.abc import Callable

from sensor_gateway.sensing.bus import SerialLine


class Loan:
    """One bus. ``ask`` and ``end`` are for one other thread, ``is_lent`` for any; the bus's own sets ``is_lent``.

    What was known of the sensors stays as it is: they are only not asked anything.
    """

    __slots__ = ("_stream", "_wake", "is_asked", "is_lent")

    def __init__(self, wake: Callable[[], None], stream: SerialLine | None = None) -> None:
        """``wake`` makes the bus's next turn come now; ``stream`` is a line at which it may wait for bytes."""
        self.is_asked = False
        self.is_lent = False
        self._wake = wake
        self._stream = stream

    def ask(self) -> None:
        """Give the bus up after the present turn, until ``end``."""
        if not self.is_asked:
            self.is_asked = True
            self._wake()
            if self._stream is not None:
                self._stream.wake()

    def end(self) -> None:
        """Open the bus again, whatever it had been left alone for."""
        if self.is_asked:
            self.is_asked = False
            self._wake()
