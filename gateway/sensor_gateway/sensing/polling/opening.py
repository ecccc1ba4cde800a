"""Access to a bus that may not be there: opened when wanted, left alone for a while when that failed."""

from __future__ import annotations

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import BusMissing, GatewayError, OperatorError, WireError
from sensor_gateway.model.log import Log
from sensor_gateway.sensing.bus import Bus
from sensor_gateway.sensing.polling.back_off import BackOff


class Opening:
    """Opens and closes one bus. ``at_s`` is when it may be opened next, ``opened_s`` when it was."""

    def __init__(self, bus: Bus, clock: Clock, log: Log) -> None:
        """Nothing is opened yet."""
        self.is_open = False
        self.opened_s = float("-inf")
        self.at_s = self.latest_s = float("-inf")
        self._bus = bus
        self._clock = clock
        self._log = log
        self._back_off = BackOff()
        self._complaint = ""
        self._is_gone = False

    def open(self) -> GatewayError | None:
        """Try to open; the error where it failed, and then ``at_s`` is in the future."""
        try:
            self._bus.open()
        except (WireError, OperatorError) as error:
            self.lose(error)
            return error
        self.is_open = True
        self.opened_s = self._clock.monotonic()
        if self._complaint:
            self._complaint = ""
            self._log.info("bus_opened", bus=self._bus.name)
        return None

    def lose(self, error: GatewayError | None = None) -> None:
        """Close what does not work, and leave it alone for a while. ``error`` is logged where it is news.

        That there is nothing to open where a bus has just gone is none.
        """
        is_told = self._is_gone and isinstance(error, BusMissing)
        self._is_gone = self.is_open and isinstance(error, BusMissing)
        self._bus.close()
        self.is_open = False
        self.at_s = self.latest_s = self._clock.monotonic() + self._back_off.next_s()
        if error is not None and str(error) != self._complaint:
            self._complaint = str(error)
            if not is_told:
                self._log.warning("bus_missing", bus=self._bus.name, reason=self._complaint)

    def prove(self) -> None:
        """It works: the next loss is met with the shortest wait."""
        self._back_off.reset()

    def rest(self) -> None:
        """Close it, and leave it alone until somebody opens it."""
        self.close()
        self.at_s = self.latest_s = float("inf")

    def close(self) -> None:
        """Give it up."""
        self._bus.close()
        self.is_open = False
