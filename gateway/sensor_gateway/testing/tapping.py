"""Doors that hear what goes through them: around a bus or a line, for recordings. They change nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import GatewayError, MeasurementError
from sensor_gateway.sensing.bus import I2cBus, SerialLine
from sensor_gateway.testing.playback import Transfer
from sensor_gateway.testing.recording_file import Came, Discarded, Opened, Sent, Step, Transferred

Hearing: TypeAlias = Callable[[Step], object]


class TappedBus:
    """An I2cBus around another one; each transfer and each opening is told, with its time since ``zero_s``."""

    def __init__(self, bus: I2cBus, clock: Clock, hear: Hearing) -> None:
        """Tell ``hear``, on a time that begins now."""
        self.name = bus.name
        self._bus = bus
        self._clock = clock
        self._zero_s = clock.monotonic()
        self._hear = hear

    def open(self) -> None:
        """Open the bus behind."""
        _opened(self._bus, self._now_s(), self._hear)

    def close(self) -> None:
        """Close the bus behind."""
        self._bus.close()

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        """What the bus behind answers, or the error it raises."""
        began_s = self._now_s()
        answer: bytes | MeasurementError = b""
        try:
            answer = self._bus.transfer(address, data, count)
        except MeasurementError as error:
            answer = error
            raise
        finally:
            took_s = self._now_s() - began_s
            transfer = Transfer(address, data, answer)
            self._hear(Transferred(at_s=began_s, took_s=took_s, transfer=transfer, count=count))
        return answer

    def _now_s(self) -> float:
        return self._clock.monotonic() - self._zero_s


class TappedLine:
    """A SerialLine around another one; what is sent, what comes and what is dropped is told, with its time."""

    def __init__(self, line: SerialLine, clock: Clock, hear: Hearing) -> None:
        """Tell ``hear``, on a time that begins now."""
        self.name = line.name
        self._line = line
        self._clock = clock
        self._zero_s = clock.monotonic()
        self._hear = hear

    def open(self) -> None:
        """Open the line behind."""
        _opened(self._line, self._now_s(), self._hear)

    def close(self) -> None:
        """Close the line behind."""
        self._line.close()

    def write(self, data: bytes, timeout_s: float) -> None:
        """Send to the line behind."""
        began_s = self._now_s()
        error: MeasurementError | None = None
        try:
            self._line.write(data, timeout_s)
        except MeasurementError as caught:
            error = caught
            raise
        finally:
            self._hear(Sent(at_s=began_s, data=data, error=error))

    def read(self, timeout_s: float) -> bytes:
        """What comes from the line behind. Silence is not told: the times of the rest tell it."""
        try:
            data = self._line.read(timeout_s)
        except MeasurementError as error:
            self._hear(Came(at_s=self._now_s(), data=error))
            raise
        if data:
            self._hear(Came(at_s=self._now_s(), data=data))
        return data

    def discard(self) -> int:
        """Drop what the line behind has."""
        count = self._line.discard()
        if count:
            self._hear(Discarded(at_s=self._now_s(), count=count))
        return count

    def wake(self) -> None:
        """From any thread: wake the line behind."""
        self._line.wake()

    def _now_s(self) -> float:
        return self._clock.monotonic() - self._zero_s


def _opened(door: I2cBus | SerialLine, at_s: float, hear: Hearing) -> None:
    error: GatewayError | None = None
    try:
        door.open()
    except GatewayError as caught:
        error = caught
        raise
    finally:
        hear(Opened(at_s=at_s, error=error))


class _Timeless:
    """For recordings without times."""

    def monotonic(self) -> float:
        return 0.0


class Recording:
    """An I2cBus around another one. It reports each transfer as a line that can be pasted into a Playback."""

    def __init__(self, bus: I2cBus, report: Callable[[str], object] = print) -> None:
        """Report to ``report``: by default, print."""
        self.name = bus.name
        self._tap = TappedBus(bus, _Timeless(), self._heard)  # type: ignore[arg-type]  # nobody asks it for a stamp
        self._report = report

    def open(self) -> None:
        """Open the bus behind."""
        self._tap.open()

    def close(self) -> None:
        """Close the bus behind."""
        self._tap.close()

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        """What the bus behind answers, or the error it raises."""
        return self._tap.transfer(address, data, count)

    def _heard(self, step: Step) -> None:
        if isinstance(step, Transferred):
            transfer = step.transfer
            answer = transfer.answer
            shown = (
                f"{type(answer).__name__}({str(answer)!r})"
                if isinstance(answer, MeasurementError)
                else as_source(answer)
            )
            self._report(f"Transfer(0x{transfer.address:02x}, {as_source(transfer.written)}, {shown}),")


def as_source(data: bytes) -> str:
    """Bytes as a line of Python, readable."""
    return f'bytes.fromhex("{data.hex(" ")}")' if data else 'b""'
