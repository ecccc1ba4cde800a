"""How a sensor is: the states of its availability topic, told on change only. Pure.

- ``starting`` until the first poll has ended.
- ``online``: all that this part can measure is good. The reason may carry a note of its identification.
- ``degraded``: the last poll failed, or the sensor answers, but a value is not good. A sensor that answers stays on
  its schedule.
- ``offline``: two polls in a row failed. From the first of them on, it is tried at growing intervals only.
"""

from __future__ import annotations

from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.reading import FailureCode, Stamp


class SensorHealth:
    """The health of one sensor. ``failures`` counts failed polls in a row; ``is_well`` means online, nothing to say."""

    __slots__ = ("_code", "_note", "_note_code", "_sensor", "_told", "failures", "is_well", "state")

    def __init__(self, sensor: str) -> None:
        """A sensor that nobody has asked yet."""
        self._sensor = sensor
        self.state = Availability.STARTING
        self.failures = 0
        self.is_well = False
        self._code: FailureCode | None = None
        self._note = ""
        self._note_code: FailureCode | None = None
        self._told: SensorState | None = None

    def started(self, stamp: Stamp) -> SensorState:
        """The state to begin with."""
        return self._tell(stamp, "waiting for the first reading")

    def identified(self, note: str, *, lacks_channels: bool) -> None:
        """Keep what identification had to say, for as long as the sensor is online."""
        self.is_well = self.is_well and note == self._note
        self._note = note
        self._note_code = FailureCode.MISSING if lacks_channels else None

    def failed(self, code: FailureCode, reason: str, stamp: Stamp) -> SensorState | None:
        """A poll failed for good."""
        self.failures += 1
        state = Availability.DEGRADED if self.failures == 1 else Availability.OFFLINE
        return self._turned(state, code, reason, stamp)

    def interrupted(self, code: FailureCode, reason: str, stamp: Stamp) -> SensorState | None:
        """A poll failed by its bus, whose reasons are few: another one is told too, with the time of the first."""
        told = self.failed(code, reason, stamp)
        if told is not None or self._told is None or reason == self._told.reason:
            return told
        return self._tell(self._told.since, reason)

    def answered(self, complaint: tuple[FailureCode, str] | None, stamp: Stamp) -> SensorState | None:
        """The sensor measured; ``complaint`` is what is wrong with a value, if anything is."""
        self.failures = 0
        if complaint is not None:
            return self._turned(Availability.DEGRADED, *complaint, stamp)
        if self.is_well:
            return None
        note_changed = self.state is Availability.ONLINE
        told = self._turned(Availability.ONLINE, self._note_code, self._note, stamp)
        self.is_well = True
        return self._tell(stamp, self._note) if note_changed else told

    def _turned(self, state: Availability, code: FailureCode | None, reason: str, stamp: Stamp) -> SensorState | None:
        self.is_well = False
        if state is self.state and code is self._code:
            return None
        self.state = state
        self._code = code
        return self._tell(stamp, reason)

    def _tell(self, stamp: Stamp, reason: str) -> SensorState:
        self._told = SensorState(sensor=self._sensor, state=self.state, code=self._code, reason=reason, since=stamp)
        return self._told
