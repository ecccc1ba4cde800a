"""What a raw value is worth, before filters see it. Pure.

Four verdicts, each on one channel: beyond the channel's limits, or no number at all (``range``); the value that the
chip shows before its first conversion (``power_on``: the whole measurement counts as not ready); the same value too
often in a row (``frozen``, until it changes). All else is good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.reading import FailureCode

_LEAP: Final = 0.02
"""A power-on value that comes from further away than this part of the channel's span was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What is wrong with a value: the code, and a sentence for the operator."""

    code: FailureCode
    detail: str


class ChannelJudge:
    """Judges the raw values of one channel, one after the other.

    ``low`` and ``high`` alone decide where ``is_plain``; else ask ``judge``.
    """

    __slots__ = (
        "_channel",
        "_equal",
        "_frozen_after",
        "_is_fresh",
        "_leap",
        "_power_on",
        "_previous",
        "high",
        "is_plain",
        "low",
    )

    def __init__(self, channel: Channel, *, power_on: float | None, frozen_after: int | None) -> None:
        """``power_on`` is the value before the first conversion, ``frozen_after`` how many equal ones are too many."""
        self._channel = channel
        self.low = channel.low
        self.high = channel.high
        self.is_plain = frozen_after is None and power_on is None
        self._power_on = power_on
        self._frozen_after = frozen_after
        self._leap = _LEAP * (channel.high - channel.low)
        self._is_fresh = True
        self._previous: float | None = None
        self._equal = 0

    def judge(self, value: float) -> Complaint | None:
        """The verdict on the next raw value; None for a good one."""
        if value == self._previous:
            self._equal += 1
        else:
            self._equal = 1
        self._previous = value
        self._is_fresh = False
        if not self.low <= value <= self.high:
            return self._beyond(value)
        if self._frozen_after is not None and self._equal >= self._frozen_after:
            return Complaint(
                code=FailureCode.FROZEN,
                detail=f"{self._channel.name} has not moved for {self._frozen_after} measurements: "
                "the sensor seems to be frozen; cut its power for a moment",
            )
        return None

    def is_power_on(self, value: float) -> bool:
        """Whether ``value``, not judged yet, is what the chip shows before it has measured.

        Exactly that value counts as such in the first measurement after a set-up, and later when it comes out of the
        blue, as after a drop of the supply. Where the real value creeps there, it is taken as real.
        """
        if value != self._power_on:
            return False
        return self._is_fresh or self._previous is None or abs(value - self._previous) > self._leap

    def was_set_up(self) -> None:
        """The chip was set up: its next value may be the power-on value."""
        self._is_fresh = True

    def _beyond(self, value: float) -> Complaint:
        channel = self._channel
        return Complaint(
            code=FailureCode.RANGE,
            detail=f"{channel.name} of {value:g} {channel.quantity.unit} is beyond what the sensor can measure "
            f"({channel.low:g} to {channel.high:g})",
        )
