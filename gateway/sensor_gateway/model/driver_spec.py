"""What a driver declares: the contract between chip knowledge and everything else.

A driver is a class that is told its variant and its options, and a SPEC that names it. See
docs/writing-a-driver.md for the whole walk.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.operations import Operation

CONTRACT_VERSION = 1


class BusKind(StrEnum):
    """Which wire a driver speaks on, and how."""

    I2C = "i2c"
    SERIAL_REQUEST = "serial"
    SERIAL_STREAM = "serial_stream"
    SYSFS = "linux"


Values: TypeAlias = Mapping[str, float]
"""Channel name to value, in the unit of the channel's quantity."""

Measuring: TypeAlias = Generator[Operation, bytes, Values]
Preparing: TypeAlias = Generator[Operation, bytes, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What was found at the address.

    ``channels`` are the names of those channels that this part really has; ``note`` is a sentence for the
    operator where the part is not what its seller said.
    """

    part: str
    channels: tuple[str, ...]
    note: str = ""


Identifying: TypeAlias = Generator[Operation, bytes, Identity]


class PolledDriver(Protocol):
    """A chip on I2C, a slave that answers requests on a serial line, or a device that the kernel measures with.

    The engine runs ``identify`` and then ``setup`` before the first measurement and after every fault.
    The three are generators of operations; they may raise any MeasurementError.
    """

    def identify(self) -> Identifying:
        """Find out which part answers. WrongChip when it is none of ours."""
        ...

    def setup(self) -> Preparing:
        """Bring the chip into the state that ``measure`` counts on."""
        ...

    def measure(self) -> Measuring:
        """Measure once; every channel of the identity, or an error."""
        ...


class StreamDriver(Protocol):
    """A device that talks by itself. Sans I/O: bytes in, measurements out."""

    def feed(self, data: bytes) -> Iterable[Values | Exception]:
        """Take what came in; give each complete measurement, or a BadFrame for one that was damaged.

        Resynchronises after garbage, and keeps a bounded buffer.
        """
        ...

    def reset(self) -> None:
        """Forget half a frame: the port was opened again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One row of a chip family: the name users write, its addresses and its channels.

    ``addresses`` are the chip's possible 7-bit addresses, the default first (empty: no fixed list).
    ``wire_bits`` is what one measurement costs on the wire, in clock periods, for the load check of a bus: on I2C,
    ``wire_bits(...)`` of its operations. Where the channels are configured (``channels_of``), it is that of one
    channel, and a register more (22) is reckoned for each other one.
    ``has_identity``: ``identify`` tells this part from every other one (an id register, a serial number with a
    checksum), and raises WrongChip or BadFrame for others.
    """

    addresses: tuple[int, ...] = ()
    channels: tuple[Channel, ...] = ()
    wire_bits: int = 200
    part: str = ""
    has_identity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heeds:
    """Which writes make a chip do something, by their first byte: a scan sends none of them to a chip that it may be.

    ``alone``: a write of this one byte acts (a command; setting a register pointer is no act).
    ``with_data``: a longer write that begins with it acts (a command of two bytes, a register that takes data).
    """

    alone: bytes = b""
    with_data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """Evidence: bytes as they come off the wire, the values they mean, and who says so.

    ``frames`` are the arguments of ``convert``; ``values`` maps channels to what must come out, within
    ``tolerance``. ``source`` names the datasheet section or the independent implementation's test. ``options`` are
    what else ``replay`` needs, as keyword arguments of a type that only the driver knows.
    """

    variant: str
    frames: tuple[bytes, ...]
    values: Values
    source: str
    tolerance: float = 1e-6
    options: Mapping[str, Any] = field(default_factory=dict)


def vector(
    variant: str,
    /,
    *frames: str | bytes,
    source: str,
    tolerance: float = 1e-6,
    options: Mapping[str, object] | None = None,
    **values: float,
) -> Vector:
    """A Vector in one line: frames as hexadecimal digits, and channels by their names.

    ``vector("sht40", "be ef 92", temperature=25.1, source="...")``. ValueError for digits that are none.
    """
    raw = tuple(bytes.fromhex(frame) if isinstance(frame, str) else frame for frame in frames)
    return Vector(
        variant=variant, frames=raw, values=values, source=source, tolerance=tolerance, options=dict(options or {})
    )


def vectors(
    variant: str,
    source: str,
    /,
    *,
    tolerance: float = 1e-6,
    options: Mapping[str, object] | None = None,
    **rows: Mapping[str, float],
) -> tuple[Vector, ...]:
    """A Vector for each row of a table, for a chip of one channel: the frame's hexadecimal digits, and the value.

    ``vectors("tmp75", "its datasheet, table 7-1", temperature={"19 00": 25, "e7 00": -25})``. ValueError for digits
    that are none.
    """
    return tuple(
        vector(variant, frame, source=source, tolerance=tolerance, options=options, **{channel: value})
        for channel, values in rows.items()
        for frame, value in values.items()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    """For drivers that need none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSpec:
    """One driver, as the gateway sees it.

    ``variants`` is keyed by the names that users write. ``create(variant, options, address)`` makes the driver
    of one sensor; ``address`` is the I2C address or serial unit (0 where there is none). ``replay(vector)`` runs
    the pure ``convert`` on a vector's frames.
    ``channels_of(options)`` gives the channels where configuration makes them (None: the variant's).
    ``check(options)`` gives sentences about options that are individually right and together wrong;
    ``check_variant(variant, options)`` about those that are another variant's.
    ``power_on`` holds, per channel, the value that the chip shows before its first conversion;
    ``frozen_after`` the number of equal raw measurements after which a channel is called frozen (channels
    not named are never).
    ``evidence`` says whose the arithmetic is where it is not the driver's own, which then has no vectors;
    ``example`` are options as a file has them, for a driver that has no vectors to show them.
    ``heeds`` tells which writes of other drivers' ``identify`` would disturb an I2C chip (None: any may).
    """

    name: str
    summary: str
    bus: BusKind
    variants: Mapping[str, Variant]
    create: Callable[[str, Any, int], PolledDriver | StreamDriver]
    replay: Callable[[Vector], Values]
    vectors: tuple[Vector, ...]
    contract: int = CONTRACT_VERSION
    options: type = NoOptions
    channels_of: Callable[[Any], tuple[Channel, ...]] | None = None
    check: Callable[[Any], tuple[str, ...]] | None = None
    check_variant: Callable[[str, Any], tuple[str, ...]] | None = None
    needs_unit: bool = False
    power_on: Mapping[str, float] = field(default_factory=dict)
    frozen_after: Mapping[str, int] = field(default_factory=dict)
    heeds: Heeds | None = None
    evidence: str = ""
    example: Mapping[str, object] = field(default_factory=dict)
