"""A simulated serial line on which one thing goes wrong, at one message of the device or from it on for a while."""

from __future__ import annotations

from proving.faults.wire import Fault, Kind, Transfer, changed
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import BusMissing
from sensor_gateway.simulation.serial_line import SimulatedLine, WiredSlave, WiredTalker


class FaultyLine(SimulatedLine):
    """Passes messages on but for its fault, and keeps them as transfers without data."""

    def __init__(self, device: WiredSlave | WiredTalker, fault: Fault | None, *, clock: Clock) -> None:
        slaves = [device] if isinstance(device, WiredSlave) else []
        talkers = [device] if isinstance(device, WiredTalker) else []
        super().__init__("line1", slaves=slaves, talkers=talkers, clock=clock)
        self.transfers: list[Transfer] = []
        self.since_s: float | None = None
        self._fault = fault

    @property
    def is_over(self) -> bool:
        """Whether the fault has been, and is no more."""
        fault = self._fault
        return fault is None or (self.since_s is not None and self._now_s() >= self.since_s + fault.lasting_s)

    def open(self) -> None:
        """As the simulated line; BusMissing while it is unplugged."""
        self._refuse_unplugged()
        super().open()

    def write(self, data: bytes, timeout_s: float) -> None:
        """As the simulated line; BusMissing while it is unplugged."""
        self._refuse_unplugged()
        super().write(data, timeout_s)

    def read(self, timeout_s: float) -> bytes:
        """As the simulated line; BusMissing while it is unplugged."""
        self._refuse_unplugged()
        return super().read(timeout_s)

    def _refuse_unplugged(self) -> None:
        if self._fault is not None and self._fault.kind is Kind.UNPLUGGED and self.since_s is not None:
            if not self.is_over:
                self.close()
                raise BusMissing("the line is unplugged")
            self._fault = None

    def _send(self, at_s: float, content: bytes, sensors: tuple[str, ...]) -> None:
        self.transfers.append(Transfer(data=b"", answer=content, at_s=at_s))
        fault = self._fault
        if fault is not None:
            if self.since_s is None and len(self.transfers) - 1 >= fault.at:
                self.since_s = at_s
                content = _struck(fault, content)
            elif self.since_s is not None and at_s < self.since_s + fault.lasting_s:
                content = _struck(fault, content)
        super()._send(at_s, content, sensors)


def _struck(fault: Fault, content: bytes) -> bytes:
    if fault.kind in (Kind.LOST, Kind.UNPLUGGED):
        return b""
    return content[: fault.byte] if fault.kind is Kind.SHORT else changed(fault, content)
