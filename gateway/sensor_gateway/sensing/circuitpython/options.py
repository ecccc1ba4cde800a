"""What a configuration says of a chip that a CircuitPython class reads: the class, and which of its values to take.

Pure. Whether there is such a class is found out in ``library``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, TypeAlias

from sensor_gateway.model.channel import Channel, check_scaling, configured_channel
from sensor_gateway.model.errors import NotReady
from sensor_gateway.model.quantity import QuantityName, configured_quantity
from sensor_gateway.model.units import Seconds
from sensor_gateway.sensing.driver_fault import DriverFault

NONE: Final = Seconds(0)
LONGEST_SETTLE: Final = Seconds(60)  # of a wait, for the engine

Scalar: TypeAlias = bool | int | float | str

_CLASS: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z]\w*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One value of the class: where it stands, and what it means."""

    property: Annotated[str, "Property or method that gives the value; by default the channel's name."] = ""
    index: Annotated[int | None, "Place of the value, from 1, where the property gives several."] = None
    scale: Annotated[float, "The value is the property's * scale + offset."] = 1.0
    offset: Annotated[float, "The value is the property's * scale + offset."] = 0.0
    quantity: Annotated[QuantityName, "What is measured; `other` for anything with a unit of its own."]
    unit: Annotated[str, "Unit, for the quantity `other`."] = ""
    low: Annotated[float | None, "Lowest value that is physically possible; by default the quantity's."] = None
    high: Annotated[float | None, "Highest value that is physically possible; by default the quantity's."] = None
    resolution: Annotated[float | None, "Smallest step of the value; by default the quantity's."] = None
    deadband: Annotated[float | None, "How far the value moves before it is news; by default the quantity's."] = None

    def __post_init__(self) -> None:
        """Refuse what no class can have (ValueError, beginning with the key)."""
        if self.property and not _NAME.fullmatch(self.property):
            raise ValueError(
                f"property is a name of Python that is public, like relative_humidity; got {self.property}"
            )
        if self.index is not None and self.index < 1:
            raise ValueError(f"index counts from 1, got {self.index}")
        check_scaling(self.scale, self.offset)
        self.channel("value")

    def channel(self, name: str) -> Channel:
        """The channel of that name. ValueError for limits and the like that no channel can have."""
        return configured_channel(
            name,
            quantity=configured_quantity(self.quantity, self.unit),
            low=self.low,
            high=self.high,
            resolution=self.resolution,
            deadband=self.deadband,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A class of a CircuitPython library, and how it is used."""

    class_: Annotated[str, "The class, behind its module: adafruit_sht31d.SHT31D."]
    properties: Annotated[Mapping[str, Property], "The values to read, by channel name."]
    arguments: Annotated[Mapping[str, Scalar], "What the class is made with, beside the bus and the address."] = field(
        default_factory=dict
    )
    settings: Annotated[Mapping[str, Scalar], "Attributes that are set once it is made."] = field(default_factory=dict)
    calls: Annotated[tuple[str, ...], "Methods that are called then, without arguments, in this order."] = ()
    settle: Annotated[Seconds, "Time from then to the first measurement, for a class that does not wait for it."] = NONE
    ready: Annotated[str, "Property or method that has to be true before each measurement."] = ""

    def __post_init__(self) -> None:
        """Refuse what no class can be (ValueError, beginning with the key)."""
        if not _CLASS.fullmatch(self.class_):
            raise ValueError(f"class is written behind its module, like adafruit_sht31d.SHT31D; got {self.class_[:60]}")
        if not self.properties:
            raise ValueError("properties is empty: name at least one value to read")
        for name, each in self.properties.items():
            try:
                each.channel(name)
            except ValueError as error:
                raise ValueError(f"properties: {error}") from error
        for key, names in (("arguments", self.arguments), ("settings", self.settings), ("calls", self.calls)):
            for name in names:
                if not _NAME.fullmatch(name):
                    raise ValueError(f"{key}: {name[:60]} is no public name of Python")
        if not 0 <= self.settle <= LONGEST_SETTLE:
            raise ValueError(f"settle has to be between 0s and {LONGEST_SETTLE}s, got {self.settle:g} s")
        if self.ready and not _NAME.fullmatch(self.ready):
            raise ValueError(f"ready is a name of Python that is public, like data_ready; got {self.ready[:60]}")

    @property
    def sources(self) -> Mapping[str, str]:
        """The property or method of each channel."""
        return {name: each.property or name for name, each in self.properties.items()}


def channels_of(options: Options) -> tuple[Channel, ...]:
    """One channel per property, in the order of the file."""
    return tuple(each.channel(name) for name, each in options.properties.items())


def value_of(raw: object, wanted: Property, source: str) -> float:
    """What a property gave, as a value of its channel; it may be no finite number.

    NotReady for None, by which such classes say that they have no value; DriverFault for anything that is no number.
    """
    if wanted.index is not None:
        if not isinstance(raw, tuple | list):
            raise DriverFault(f"{source} gave {raw!r:.60}, which has no place {wanted.index}")
        if len(raw) < wanted.index:
            raise DriverFault(f"{source} gave {len(raw)} values, and place {wanted.index} is wanted")
        raw = raw[wanted.index - 1]
    if raw is None:
        raise NotReady(f"{source} gave no value (None): not measured yet, or beyond what the chip can measure")
    if not isinstance(raw, int | float):
        raise DriverFault(f"{source} gave {raw!r:.60}, expected a number")
    number = float(raw) if abs(raw) < 1e300 else math.inf
    return number * wanted.scale + wanted.offset
