"""Question and answer on a serial line: one deadline for both, and no late answer ever taken for a current one.

Knows neither a protocol (the framing comes with the operation) nor a library (the line comes through the constructor).
"""

from __future__ import annotations

from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import BadFrame, NoAnswer
from sensor_gateway.model.operations import Exchange
from sensor_gateway.model.writing.figures import counted
from sensor_gateway.sensing.bus import SerialLine

_WOKEN_S: Final = 0.002
"""A read that gives nothing this long before its time was woken: nobody rounds that much."""

_LONGEST_FRAME: Final = 4096
"""A framing that waits for more than this is given no more."""


class Exchanger:
    """Runs exchanges on one line, one after the other. ``strays`` counts bytes that answered nothing."""

    def __init__(self, line: SerialLine, clock: Clock) -> None:
        """``clock`` is the one that the line's reads wait by."""
        self.strays = 0
        self._line = line
        self._clock = clock
        self._settled_s: dict[int, float] = {}

    def exchange(self, operation: Exchange, unit: int) -> bytes:
        """Send the request, and give the first frame that its framing accepts.

        NoAnswer when the deadline passes without one (dribbled bytes do not extend it), BadFrame when it passes
        with bytes that are none. A unit that owes an answer is asked only once it can no longer be late: see
        ``settled_s``. Whatever the line raises passes through.
        """
        self._settle(unit)
        self.strays += self._line.discard()
        deadline_s = self._clock.monotonic() + operation.timeout_s
        # Until an answer is in, one may be late: this holds for every way out of here but the good one.
        self._settled_s[unit] = deadline_s + operation.timeout_s
        self._line.write(operation.request, operation.timeout_s)
        frame = self._answer(operation, unit, deadline_s)
        del self._settled_s[unit]
        return frame

    def settled_s(self, unit: int) -> float:
        """The moment (``Clock.monotonic``) from which ``unit`` can be asked without waiting for a late answer.

        In the past, or minus infinity, when that is now.
        """
        return self._settled_s.get(unit, float("-inf"))

    def _settle(self, unit: int) -> None:
        """Listen, and drop what comes, until ``unit`` can owe nothing any more."""
        until_s = self._settled_s.get(unit)
        if until_s is None:
            return
        while (left_s := until_s - self._clock.monotonic()) > 0:
            late = self._line.read(left_s)
            self.strays += len(late)
            if not late and until_s - self._clock.monotonic() > _WOKEN_S:
                raise NoAnswer("waiting for a late answer was ended from outside")
        del self._settled_s[unit]

    def _answer(self, operation: Exchange, unit: int, deadline_s: float) -> bytes:
        buffer = b""
        dropped = b""
        while True:
            left_s = deadline_s - self._clock.monotonic()
            came = self._line.read(left_s) if left_s > 0 else b""
            if not came:
                if deadline_s - self._clock.monotonic() > _WOKEN_S:
                    raise NoAnswer("waiting for the answer was ended from outside")
                self.strays += len(buffer)
                raise self._nothing(operation, unit, dropped, buffer)
            buffer += came
            while buffer:
                count, frame = operation.frame(buffer)
                if frame is None and count <= 0:
                    break
                taken, buffer = buffer[:count], buffer[count:]
                if frame is not None:
                    self.strays += count - len(frame) + len(buffer)
                    return frame
                dropped = (dropped + taken)[-_LONGEST_FRAME:]
                self.strays += 0 if taken == operation.request else count
            if len(buffer) > _LONGEST_FRAME:
                self.strays += len(buffer)
                dropped, buffer = buffer[-_LONGEST_FRAME:], b""

    def _nothing(self, operation: Exchange, unit: int, dropped: bytes, pending: bytes) -> NoAnswer | BadFrame:
        """The error of an exchange whose time is over: it tells silence, echo and garbage from each other."""
        within = f"within {operation.timeout_s:g} s"
        if dropped + pending == operation.request:
            return NoAnswer(f"only our own request came back {within}: the adapter echoes, and nobody answered")
        asked_s = self._settled_s[unit] - 2 * operation.timeout_s
        others_owe = any(owner != unit and asked_s < until_s for owner, until_s in self._settled_s.items())
        if dropped and not others_owe:
            return BadFrame(
                f"{len(dropped)} bytes came {within} and none of them is an answer to the request; if it is always "
                f"so, check baud rate, parity and wiring (they begin with {dropped[:8].hex(' ')})",
            )
        if pending:
            return NoAnswer(
                f"only {counted(len(pending), 'byte')} of an answer came {within} ({pending[:16].hex(' ')})"
            )
        return NoAnswer(f"no answer came {within}")
