"""What a configuration says of a device that talks in lines: the format, and which values to take from where.

Pure, and the half of the ``line`` driver that reads no line: see line.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from sensor_gateway.driver import Channel, QuantityName, check_scaling, configured_channel, configured_quantity

Format: TypeAlias = Literal["json", "key_value", "csv", "nmea", "regex"]

BY_PLACE: Final = ("csv", "nmea")
"""Formats whose values have no names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value of a line: where it stands, and what it means."""

    key: Annotated[str, "Name of the value in the line, or of a pattern's group; by default the channel's name."] = ""
    index: Annotated[int | None, "Place of the value in the line, from 1 (csv, nmea)."] = None
    scale: Annotated[float, "The value is written * scale + offset."] = 1.0
    offset: Annotated[float, "The value is written * scale + offset."] = 0.0
    quantity: Annotated[QuantityName, "What is measured; `other` for anything with a unit of its own."]
    unit: Annotated[str, "Unit, for the quantity `other`."] = ""
    low: Annotated[float | None, "Lowest value that is physically possible; by default the quantity's."] = None
    high: Annotated[float | None, "Highest value that is physically possible; by default the quantity's."] = None
    resolution: Annotated[float | None, "Smallest step of the value; by default the quantity's."] = None
    deadband: Annotated[float | None, "How far the value moves before it is news; by default the quantity's."] = None

    def __post_init__(self) -> None:
        """Refuse what no line can hold (ValueError, beginning with the key)."""
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
    """How the lines of one device are read."""

    format: Annotated[Format, "How a line is written."]
    fields: Annotated[Mapping[str, Field], "The values to take, by channel name."]
    pattern: Annotated[str, "Regular expression with named groups (regex)."] = ""
    sentence: Annotated[str, "Name of the sentence: IIMTW, or MTW from any talker (nmea)."] = ""
    delimiter: Annotated[str, "What stands between values; by default space, comma or semicolon (csv, key_value)."] = ""
    max_line: Annotated[int, "Longest line in bytes; what is longer is damage."] = 1024

    def __post_init__(self) -> None:
        """Refuse what cannot be read (ValueError, beginning with the key)."""
        if not self.fields:
            raise ValueError("fields is empty: name at least one value to take")
        for name, field in self.fields.items():
            try:
                field.channel(name)
            except ValueError as error:
                raise ValueError(f"fields: {error}") from error
        try:
            re.compile(self.pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"pattern is no regular expression: {error}") from error
        if not 16 <= self.max_line <= 65536:
            raise ValueError(f"max_line has to be between 16 and 65536 bytes, got {self.max_line}")


def check(options: Options) -> tuple[str, ...]:
    """A sentence for each option that does not go with the format."""
    format_ = options.format
    found = []
    for option, formats in (("pattern", ("regex",)), ("sentence", ("nmea",)), ("delimiter", ("csv", "key_value"))):
        if getattr(options, option) and format_ not in formats:
            found.append(f"{option} is for the format {' or '.join(formats)}, and this one is {format_}")
    if format_ == "regex" and not options.pattern:
        found.append("pattern is missing: the format regex needs one, like (?P<temperature>[-.0-9]+) C")
    if format_ == "nmea" and not re.fullmatch(r"[A-Z0-9]{3,}", options.sentence):
        found.append("sentence is missing: the format nmea needs one, like MTW or IIMTW, in capitals")
    groups = re.compile(options.pattern).groupindex
    for name, field in options.fields.items():
        if format_ in BY_PLACE and field.index is None:
            found.append(f"fields.{name}: index is missing: values of {format_} are told by their place, from 1")
        elif format_ not in BY_PLACE and field.index is not None:
            found.append(f"fields.{name}: index is for the formats csv and nmea; write `key`")
        elif format_ == "regex" and options.pattern and (field.key or name) not in groups:
            found.append(f"fields.{name}: the pattern has no group (?P<{field.key or name}>...)")
    return tuple(found)


def channels_of(options: Options) -> tuple[Channel, ...]:
    """One channel per field, in the order of the file."""
    return tuple(field.channel(name) for name, field in options.fields.items())
