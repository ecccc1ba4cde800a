"""Modbus RTU: any device with a register map, on RS-485 or another serial line. The map is the configuration.

Specification: MODBUS Application Protocol V1.1b3 (sections 6.3, 6.4 and 7) and MODBUS over Serial Line V1.02
(section 2.5.1), both of modbus.org. Unit 1 to 247; over Modbus TCP, 0 and 255 are the server itself
(MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 4.4.1.2).

A request, an answer of n registers, and an answer that says no::

    byte    0      1           2          3        4         5         6       7
            unit   function    address_h  a_l      count_h   count_l   crc_l   crc_h
            unit   function    2n         reg0_h   reg0_l    ...       crc_l   crc_h
            unit   function+80 exception  crc_l    crc_h

Only an answer of the right unit, function, length and checksum is taken; everything else on the line is passed over.
Registers that follow each other are read in one request. Limits are judged by the engine, channel by channel.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Final

import sensor_gateway.driver as gw
from sensor_drivers.register_map import Block, Options, Register, blocks, channels_of, check, value_of

# The mark of an exception (V1.1b3 section 7).
EXCEPTION: Final = 0x80

# Exception codes (section 7): what the device says, and whether it may answer a moment later.
EXCEPTIONS: Final = {
    1: ("illegal function: it has no registers of this kind; is `function` right?", False),
    2: ("illegal data address: it has no such registers; are `register`, `function` and `type` right?", False),
    3: ("illegal data value: it does not let these registers be read together", False),
    4: ("server device failure: it failed while it answered", False),
    5: ("acknowledge: it needs more time", True),
    6: ("server device busy", True),
    7: ("negative acknowledge: it cannot do this", False),
    8: ("memory parity error: its memory is damaged", False),
    10: ("gateway path unavailable: the Modbus gateway has no way to the device", False),
    11: ("gateway target device failed to respond: the device behind the Modbus gateway is silent", True),
}


def request(unit: int, block: Block) -> bytes:
    """The frame that asks for a block."""
    body = struct.pack(">BBHH", unit, block.function, block.start, block.count)
    return body + gw.crc16_modbus(body)


def framing(unit: int, block: Block, echo: bytes = b"") -> gw.Framing:
    """Finds the answer to one request, or the exception, in what comes in. ``echo``: our own request, to be dropped."""
    heads = {
        bytes((unit, block.function, 2 * block.count)): 5 + 2 * block.count,
        bytes((unit, block.function | EXCEPTION)): 5,
    }
    begun = re.compile(b"|".join(_begun(head) for head in heads), re.DOTALL)

    def frame(buffer: bytes) -> tuple[int, bytes | None]:
        if echo and (buffer.startswith(echo) or echo.startswith(buffer)):
            return (len(echo) if len(buffer) >= len(echo) else 0), None
        match = begun.search(buffer)
        while match:
            start = match.start()
            length = next((length for head, length in heads.items() if buffer.startswith(head, start)), 0)
            found = buffer[start : start + length]
            if len(found) < length or not length:
                return start, None
            if gw.crc16_modbus(found[:-2]) == found[-2:]:
                return (start, None) if start else (length, found)
            match = begun.search(buffer, start + 1)
        return len(buffer), None

    return frame


def _begun(head: bytes) -> bytes:
    """The pattern of ``head``, or of its beginning where the buffer ends with that."""
    pattern = b""
    for byte in reversed(head):
        rest = rb"(?:\Z|" + pattern + rb")" if pattern else b""
        pattern = re.escape(bytes((byte,))) + rest
    return pattern


def convert(frame: bytes, block: Block) -> gw.Values:
    """Values of one answer. Total: finite values, or BadFrame, OverRange, Rejected or DeviceBusy."""
    check = gw.crc16_modbus(frame[:-2])
    if len(frame) < 5 or check != frame[-2:]:
        raise gw.BadFrame("checksum of the answer", expected=check, got=frame[-2:])
    if frame[1] == block.function | EXCEPTION:
        sentence, is_passing = EXCEPTIONS.get(frame[2], ("which the standard does not know", False))
        last = block.start + block.count - 1
        raise (gw.DeviceBusy if is_passing else gw.Rejected)(
            f"the device refuses registers {block.start} to {last} with exception {frame[2]}, {sentence}",
        )
    if frame[1] != block.function or frame[2] != 2 * block.count or len(frame) != 5 + frame[2]:
        raise gw.BadFrame(
            "answer of another kind", expected=f"function {block.function}, {block.count} words", got=frame
        )
    values = {}
    for name, register in block.registers.items():
        start = 3 + 2 * (register.register - block.start)
        raw = frame[start : start + 2 * register.count]
        value = value_of(raw, register)
        if value is None:
            raise gw.OverRange(f"the device says that it has no value for {name} (its registers hold {raw.hex(' ')})")
        values[name] = value
    return values


class Modbus:
    """One device. There is nothing to set up in it, and no register by which all devices could be told."""

    def __init__(self, options: Options, unit: int) -> None:
        """Work out the requests; nothing is sent yet."""
        self._unit = unit
        self._channels = tuple(options.registers)
        self._questions: list[tuple[Block, gw.Exchange]] = []
        for block in blocks(options):
            asked = request(unit, block)
            frame = framing(unit, block, asked if options.echo else b"")
            self._questions.append((block, gw.Exchange(asked, frame, options.timeout)))

    def identify(self) -> gw.Identifying:
        """Ask nothing: Modbus devices need not say who they are, and many fail on the function that asks."""
        yield from ()
        return gw.Identity(part=f"Modbus unit {self._unit}", channels=self._channels)

    def setup(self) -> gw.Preparing:
        """Nothing."""
        yield from ()

    def measure(self) -> gw.Measuring:
        """Ask for every block, one after the other."""
        values: dict[str, float] = {}
        for block, question in self._questions:
            values.update(convert((yield question), block))
        return values


def replay(vector: gw.Vector) -> gw.Values:
    """Frames: the answers, one per block. Options as in a configuration file."""
    written = vector.options["registers"]
    options = Options(registers={name: Register(**fields) for name, fields in written.items()})
    values: dict[str, float] = {}
    for frame, block in zip(vector.frames, blocks(options), strict=True):
        values.update(convert(frame, block))
    return values


def _vector(frame: str, values: gw.Values, source: str, **registers: Mapping[str, object]) -> gw.Vector:
    return gw.Vector(
        variant="modbus",
        frames=(bytes.fromhex(frame),),
        values=values,
        options={"registers": registers},
        source=source,
        tolerance=1e-4,
    )


_T = {"register": 1, "function": "input", "type": "s16", "scale": 0.1, "quantity": "temperature"}
_H = {"register": 2, "function": "input", "type": "u16", "scale": 0.1, "quantity": "humidity"}
_V = {"register": 0, "function": "input", "type": "f32", "quantity": "voltage"}
_COUNT = {"type": "u16", "quantity": "other", "unit": "1"}
_SHT20 = "e-tinkers/Modbus-RTU, examples/SHT20/README (XY-MD02, checked by its author with a device)"
_SDM = "Eastron SDM320Y User Manual V1.0, page 42"

VECTORS = (
    _vector("01 04 04 01 31 02 22 2A CE", {"temperature": 30.5, "humidity": 54.6}, _SHT20, temperature=_T, humidity=_H),
    _vector("01 04 02 15 54 B6 5F", {"humidity": 54.6}, f"{_SHT20}, factor 100", humidity={**_H, "scale": 0.01}),
    _vector("01 04 04 43 66 33 34 1B 38", {"voltage": 230.2}, f"{_SDM}: input register 0", voltage=_V),
    _vector(
        "01 03 04 42 C8 00 00 6F B5",
        {"width": 100},
        f"{_SDM}: pulse width in milliseconds, holding register 12",
        width={"register": 12, "type": "f32", "quantity": "other", "unit": "ms"},
    ),
    _vector(
        "11 03 06 AE 41 56 52 43 40 49 AD",
        {"a": 0xAE41, "b": 0x5652, "c": 0x4340},
        "modbus-serial-helper's tests: the answer to 11 03 00 6B 00 03 76 87, words as read off the frame",
        a={**_COUNT, "register": 107},
        b={**_COUNT, "register": 108},
        c={**_COUNT, "register": 109},
    ),
)

SPEC = gw.DriverSpec(
    name="modbus",
    summary="Modbus RTU: any device with a register map",
    bus=gw.BusKind.SERIAL_REQUEST,
    # wire_bits: a request of 8 characters and an answer of 9, 11 bits each, with two silences of 3.5 characters.
    variants={"modbus": gw.Variant(wire_bits=264, part="Modbus device")},
    create=lambda _variant, options, unit: Modbus(options, unit),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    channels_of=channels_of,
    check=check,
    needs_unit=True,
)
