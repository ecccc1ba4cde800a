"""A device file, section by section: this page is its manual, as ``settings`` is that of the configuration.

Beside these keys stand those of a sensor: ``driver``, its options, ``unit``, ``interval``, ``heartbeat``, ``channels``.
They hold for every sensor that names the device, where it says nothing else itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from sensor_gateway.config.values.notation import Within


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialExpectation:
    """How the serial port has to be set for this device; what is not named may be anything."""

    baudrate: Annotated[int | None, "Bits per second.", Within(50, 4_000_000)] = None
    parity: Annotated[Literal["none", "even", "odd"] | None, "Parity bit."] = None
    stopbits: Annotated[Literal[1, 2] | None, "Stop bits."] = None
    bytesize: Annotated[Literal[7, 8] | None, "Data bits."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the device says, and the values that it means by that: from a manual, a recording, another program."""

    frames: Annotated[tuple[str, ...], "Its answers, one for each request, or what it says; in hexadecimal."] = ()
    lines: Annotated[tuple[str, ...], "The lines that it says (driver line)."] = ()
    values: Annotated[Mapping[str, float], "The values, by channel."]
    source: Annotated[str, "Who says so."]

    def __post_init__(self) -> None:
        """Refuse evidence without bytes (ValueError, beginning with the key)."""
        if not self.frames and not self.lines:
            raise ValueError("frames is missing; expected what the device says, like `frames: [01 04 02 01 31 79 74]`")
        for frame in self.frames:
            try:
                bytes.fromhex(frame)
            except ValueError:
                raise ValueError(f"frames: {frame[:60]!r} is not hexadecimal, like 01 04 02 01 31 79 74") from None

    @property
    def said(self) -> tuple[bytes, ...]:
        """The frames and lines as bytes."""
        return (*map(bytes.fromhex, self.frames), *(f"{line}\r\n".encode() for line in self.lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutDevice:
    """What a device file says beside the keys of a sensor."""

    title: Annotated[str, "What it is, in one line: maker, model, what it measures."]
    sources: Annotated[tuple[str, ...], "Manuals and other pages that say so."]
    serial: Annotated[SerialExpectation, "How the serial port has to be set."] = SerialExpectation()
    vectors: Annotated[tuple[Evidence, ...], "Evidence, which is tried out when the device is listed."] = ()
