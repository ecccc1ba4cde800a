"""What a chip model is: something that answers bytes as the real chip would, and knows no bus.

Models are written from the datasheets and never look at a driver, so that each checks the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.operations import KernelDevice

Course: TypeAlias = Callable[[float], float]
"""A physical value over time: seconds since the simulation began, to the channel's unit."""

EARLY_S: Final = 1e-6
"""A conversion counts as done this much early, so that sums of floating point seconds do not make a chip late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounting:
    """How one sensor is built in: what a model needs to know to answer for it.

    ``courses`` maps each of the sensor's channels to its physical value over time; ``options`` are the driver's.
    ``powered_s`` is when the chip got its power: by default well before the simulation begins.
    """

    sensor: str
    spec: DriverSpec
    variant: str
    options: object
    address: int
    interval_s: float
    courses: Mapping[str, Course]
    powered_s: float = -10.0


class I2cChip(Protocol):
    """One chip on an I2C bus. ``now_s`` are the seconds since the simulation began; they never go back."""

    def write(self, data: bytes, now_s: float) -> None:
        """Take what the master wrote after the address. Raises Nack when the chip would not acknowledge."""
        ...

    def read(self, count: int, now_s: float) -> bytes:
        """Exactly ``count`` bytes. Raises Nack when the chip would not acknowledge its address."""
        ...


class Slave(Protocol):
    """A device on a serial line that speaks when it is asked."""

    def hear(self, data: bytes, now_s: float) -> tuple[float, bytes] | None:
        """Take bytes from the line; the answer and the seconds until all of it is back, or None for silence."""
        ...


class Talker(Protocol):
    """A device on a serial line that speaks by itself. ``next_s`` is the moment of its next word."""

    next_s: float

    def say(self) -> bytes:
        """What it says at ``next_s``, which moves on."""
        ...


class KernelSensor(Protocol):
    """A device that the kernel measures with."""

    def fits(self, device: KernelDevice) -> bool:
        """Whether it is the device that is meant."""
        ...

    def read(self, file: str, now_s: float) -> tuple[float, bytes]:
        """The seconds that the kernel takes, and what is in the file then. FileMissing where there is no such file."""
        ...


I2cModel: TypeAlias = Callable[[Mounting], I2cChip]
"""Makes the chip of one sensor, fresh from power-on. So do third parties' models for I2C drivers."""

SlaveModel: TypeAlias = Callable[[Sequence[Mounting]], Slave]
"""Makes one slave; several sensors of a configuration may share its unit."""

TalkerModel: TypeAlias = Callable[[Mounting], Talker]
"""Makes the device of one sensor that talks by itself."""

FilesModel: TypeAlias = Callable[[Mounting], KernelSensor]
"""Makes the device of one sensor that the kernel measures with."""
