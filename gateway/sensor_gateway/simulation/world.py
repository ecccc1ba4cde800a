"""The weather around the sensors: what each channel's true value is, at any moment of the simulation.

A value depends on the seed, the sensor's and the channel's name and the time, and on nothing else: the same simulation
tells the same story on every machine. A scenario's course takes the place of the wave.
"""

from __future__ import annotations

import hashlib
import math
from typing import Final

from sensor_gateway.model.channel import Channel
from sensor_gateway.simulation.chips.chip import Course
from sensor_gateway.simulation.scenario import Scenario

DAY_S: Final = 86400.0
NOISE_STEPS_PER_S: Final = 10
WIDEST: Final = 1000.0
"""Channels with wider limits than this (a free register) swing around 50 instead of in their middle."""

USUAL: Final = {
    "temperature": (15.0, 28.0),
    "humidity": (35.0, 70.0),
    "pressure": (990.0, 1030.0),
    "illuminance": (20.0, 900.0),
    "carbon_dioxide": (420.0, 1200.0),
    "gas_resistance": (20_000.0, 200_000.0),
    "uv_index": (0.0, 8.0),
}
"""Quantities (or names, of channels without one) with a range that people know from their homes.

All others swing in the middle half of their limits.
"""


class World:
    """Gives each channel of each sensor its course through time."""

    def __init__(self, *, seed: int, scenario: Scenario | None = None) -> None:
        """``scenario`` rules over the waves where it names a channel."""
        self._seed = seed
        self._scenario = scenario

    def course(self, sensor: str, channel: Channel) -> Course:
        """The channel's value over seconds since the simulation began, within the channel's limits."""
        written = self._scenario.course(sensor, channel.name) if self._scenario is not None else None
        return Wave(f"{self._seed}/{sensor}.{channel.name}", channel) if written is None else written


class Wave:
    """A slow and a quick swing and a little noise, all from a name."""

    __slots__ = (
        "_middle",
        "_noise",
        "_quick",
        "_quick_phase",
        "_quick_rate",
        "_salt",
        "_slow",
        "_slow_phase",
        "_slow_rate",
    )

    def __init__(self, name: str, channel: Channel) -> None:
        """Choose periods and phases by the name, amplitudes by the channel's quantity and limits."""
        chosen = hashlib.blake2b(name.encode(), digest_size=16).digest()
        low, high = _range(channel)
        half = (high - low) / 2
        self._middle = low + half
        self._slow = 0.75 * half
        self._quick = 0.2 * half
        self._noise = 0.05 * half
        slow_s = DAY_S if channel.quantity.name == "illuminance" else 900 + 1800 * chosen[0] / 255
        self._slow_rate = math.tau / slow_s
        self._quick_rate = math.tau / (40 + 50 * chosen[1] / 255)
        self._slow_phase = math.tau * chosen[2] / 256
        self._quick_phase = math.tau * chosen[3] / 256
        self._salt = int.from_bytes(chosen[8:12], "big")

    def __call__(self, at_s: float) -> float:
        """The value at ``at_s``."""
        mixed = (int(at_s * NOISE_STEPS_PER_S) * 0x9E3779B1 ^ self._salt) & 0xFFFFFFFF
        mixed = (mixed ^ mixed >> 15) * 0x85EBCA6B & 0xFFFFFFFF
        mixed ^= mixed >> 13
        return (
            self._middle
            + self._slow * math.sin(self._slow_rate * at_s + self._slow_phase)
            + self._quick * math.sin(self._quick_rate * at_s + self._quick_phase)
            + self._noise * (mixed / 0x80000000 - 1.0)
        )


def _range(channel: Channel) -> tuple[float, float]:
    usual = USUAL.get(channel.name if channel.quantity.name == "other" else channel.quantity.name)
    if usual is not None and channel.low <= usual[0] and usual[1] <= channel.high:
        return usual
    width = channel.high - channel.low
    if width > WIDEST:
        low, high = max(channel.low, 0.0), min(channel.high, 100.0)
        return (low, high) if low < high else (channel.low, channel.high)
    return channel.low + width / 4, channel.high - width / 4
