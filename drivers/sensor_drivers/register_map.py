"""The registers of a Modbus device as a configuration describes them, and how their bits become values.

Pure, and the half of the ``modbus`` driver that knows no frame: see modbus.py.
Specification: MODBUS Application Protocol V1.1b3 (modbus.org), sections 4.2, 4.4, 6.3 and 6.4.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from sensor_gateway.driver import Channel, QuantityName, Seconds, check_scaling, configured_channel, configured_quantity

# Function codes (sections 6.3 and 6.4), and the most registers that one request may ask for (0x7D).
FUNCTIONS: Final = {"holding": 0x03, "input": 0x04}
MOST_REGISTERS: Final = 125

Type: TypeAlias = Literal["s16", "u16", "s32", "u32", "f32"]
FORMATS: Final = {"s16": ">h", "u16": ">H", "s32": ">i", "u32": ">I", "f32": ">f"}

Order: TypeAlias = Literal["ABCD", "CDAB", "BADC", "DCBA"]
SHUFFLES: Final = {"ABCD": (0, 1, 2, 3), "CDAB": (2, 3, 0, 1), "BADC": (1, 0, 3, 2), "DCBA": (3, 2, 1, 0)}

# Tables of 5 or 6 digits in manuals: the first digit stands for the kind of register, and counting begins at 1.
NOTATION: Final = re.compile(r"([34])(\d{4,5})")

TIMEOUT: Final = Seconds(0.5)
LONGEST_TIMEOUT: Final = Seconds(30)  # of an exchange, for the gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One value of the device: where it stands, how it is written, and what it means."""

    register: Annotated[int, "Address on the wire, from 0: what a manual calls 40001 or 30001 is 0."]
    as_is: Annotated[bool, "The address really is in the 30000s or 40000s on the wire (SunSpec and others)."] = False
    function: Annotated[Literal["holding", "input"], "Kind of register: holding (code 3) or input (code 4)."] = (
        "holding"
    )
    type: Annotated[Type, "Signed, unsigned or floating, in one register (16 bits) or two (32)."]
    order: Annotated[Order, "Order of the bytes of two registers; ABCD is the standard's."] = "ABCD"
    scale: Annotated[float, "The value is raw * scale + offset."] = 1.0
    offset: Annotated[float, "The value is raw * scale + offset."] = 0.0
    no_value: Annotated[int | None, "Raw bits by which the device says that it has no value, like 0x8000."] = None
    quantity: Annotated[QuantityName, "What is measured; `other` for anything with a unit of its own."]
    unit: Annotated[str, "Unit, for the quantity `other`."] = ""
    low: Annotated[float | None, "Lowest value that is physically possible; by default the quantity's."] = None
    high: Annotated[float | None, "Highest value that is physically possible; by default the quantity's."] = None
    resolution: Annotated[float | None, "Smallest step of the value; by default that of the scale."] = None
    deadband: Annotated[float | None, "How far the value moves before it is news; by default the quantity's."] = None

    def __post_init__(self) -> None:
        """Refuse what cannot be read (ValueError, beginning with the key)."""
        notation = None if self.as_is else NOTATION.fullmatch(str(self.register))
        if notation and int(notation[2]) > 0:
            kind = "input" if notation[1] == "3" else "holding"
            raise ValueError(
                f"register {self.register} looks like a manual's notation; on the wire that is `function: {kind}`, "
                f"`register: {int(notation[2]) - 1}` (if {self.register} is the wire address, add `as_is: true`)",
            )
        last = 0x10000 - self.count
        if not 0 <= self.register <= last:
            raise ValueError(f"register {self.register} is none: wire addresses of a {self.type} are 0 to {last}")
        if self.order != "ABCD" and self.count == 1:
            raise ValueError(f"order {self.order} is for values in two registers, and {self.type} stands in one")
        check_scaling(self.scale, self.offset)
        if self.no_value is not None and not 0 <= self.no_value < 1 << 16 * self.count:
            raise ValueError(f"no_value is the raw bits of a {self.type}, like 0x8000; {self.no_value} is none")
        self.channel("value")

    @property
    def count(self) -> int:
        """How many registers the value takes."""
        return 2 if self.type.endswith("32") else 1

    def channel(self, name: str) -> Channel:
        """The channel of that name. ValueError for limits and the like that no channel can have."""
        step = None if self.type == "f32" else abs(self.scale)
        return configured_channel(
            name,
            quantity=configured_quantity(self.quantity, self.unit),
            low=self.low,
            high=self.high,
            resolution=step if self.resolution is None else self.resolution,
            deadband=self.deadband,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The register map of one device, and how it is asked."""

    registers: Annotated[Mapping[str, Register], "The values to read, by channel name."]
    timeout: Annotated[Seconds, "Longest time from a request to the end of its answer."] = TIMEOUT
    echo: Annotated[bool, "The adapter hears itself: our own request comes back before the answer."] = False
    max_registers: Annotated[int, "Most registers in one request, where a device allows few."] = MOST_REGISTERS

    def __post_init__(self) -> None:
        """Refuse what no line can do (ValueError, beginning with the key)."""
        if not self.registers:
            raise ValueError("registers is empty: name at least one value to read")
        for name, register in self.registers.items():
            try:
                register.channel(name)
            except ValueError as error:
                raise ValueError(f"registers: {error}") from error
        if not 0.01 <= self.timeout <= LONGEST_TIMEOUT:
            raise ValueError(f"timeout has to be between 10ms and {LONGEST_TIMEOUT}s, got {self.timeout:g} s")
        if not 2 <= self.max_registers <= MOST_REGISTERS:
            raise ValueError(f"max_registers has to be between 2 and {MOST_REGISTERS}, got {self.max_registers}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Registers that are read in one request: ``count`` from ``start``, and the values that stand in them."""

    function: int
    start: int
    count: int
    registers: Mapping[str, Register]


def blocks(options: Options) -> tuple[Block, ...]:
    """The fewest requests that read every register and no other: gaps are not bridged, a device may refuse them."""
    groups: list[dict[str, Register]] = []
    end = limit = -1
    function = ""
    for name, register in sorted(options.registers.items(), key=lambda item: (item[1].function, item[1].register)):
        after = register.register + register.count
        if register.function != function or register.register > end or after > limit:
            groups.append({})
            function, end, limit = register.function, after, register.register + options.max_registers
        groups[-1][name] = register
        end = max(end, after)
    return tuple(_block(group) for group in groups)


def _block(group: Mapping[str, Register]) -> Block:
    first = next(iter(group.values()))
    end = max(register.register + register.count for register in group.values())
    return Block(function=FUNCTIONS[first.function], start=first.register, count=end - first.register, registers=group)


def value_of(raw: bytes, register: Register) -> float | None:
    """What registers mean; None where they are marked as without a value, or hold no finite number."""
    if register.count == 2:
        raw = bytes(raw[place] for place in SHUFFLES[register.order])
    if int.from_bytes(raw, "big") == register.no_value:
        return None
    value = float(struct.unpack(FORMATS[register.type], raw)[0]) * register.scale + register.offset
    return value + 0.0 if math.isfinite(value) else None  # -0.0 becomes 0.0


def channels_of(options: Options) -> tuple[Channel, ...]:
    """One channel per value, in the order of the file."""
    return tuple(register.channel(name) for name, register in options.registers.items())


def check(options: Options) -> tuple[str, ...]:
    """A sentence for each pair of values that share a register."""
    return tuple(_overlaps(sorted(options.registers.items(), key=lambda item: (item[1].function, item[1].register))))


def _overlaps(ordered: list[tuple[str, Register]]) -> Iterator[str]:
    for index, (name, register) in enumerate(ordered):
        for other, later in ordered[index + 1 :]:
            if later.function == register.function and later.register < register.register + register.count:
                yield (
                    f"registers: {name} ({register.type} at {register.register}) and {other} ({later.type} at "
                    f"{later.register}) overlap; a 32-bit value takes two registers"
                )
