"""The LM75 family on I2C: one temperature in one register, in 9 to 13 bits.

Datasheets: TI LM75B/LM75C (SNIS153B), NXP LM75A (rev 4), LM75B (rev 6.1), PCT2075 (rev 9), TI TMP75 (SBOS288M), TMP102
(SBOS397), TMP112 (SBOS473), TMP1075 (SBOS854F). No checksum; only the TMP1075 has an identity.

The answer, the temperature register 00, left-aligned two's complement::

    byte    0                           1
            sign and 7 bits of °C       fraction: 1 (LM75), 3 (LM75A, LM75B, PCT2075) or 4 bits (TMP), then zeros
            extended mode, TMP102 and TMP112: sign and 12 bits in steps of 1/16 °C, two zeros, and a one

An LM75A or LM75B made by National or TI has 9 bits and leaves the others undefined: it is read as ``lm75``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_gateway.driver as gw
from sensor_drivers.lm75_family import COLDEST, EXTENDABLE, EXTENDED_BITS, HOTTEST, HOTTEST_EXTENDED, ROWS

# Pointer values.
READ_TEMPERATURE = gw.WriteRead(b"\x00", 2)
READ_CONFIGURATION = gw.WriteRead(b"\x01", 2)
READ_TMP75_CONFIGURATION = gw.WriteRead(b"\x01", 1)
TMP75_BITS, BEYOND_9_BITS = 0x60, 0x70  # of the configuration; of the last byte of a temperature
READ_DEVICE_ID = gw.WriteRead(b"\x0f", 2)  # TMP1075, SBOS854F "device ID register"
TMP1075_ID = b"\x75\x00"

# TMP102 and TMP112 configuration: byte 1 OS R1 R0 F1 F0 POL TM SD, byte 2 CR1 CR0 AL EM 0 0 0 0.
# R1 and R0 are read-only and 11 (SBOS397C page 9), the low nibble of byte 2 is 0: other chips fail this.
TMP102_FIXED, TMP102_VALUE = 0x600F, 0x6000
# In extended mode the register may hold an old 12-bit value under the new mode's bit 0, so each conversion is started
# by hand: shutdown (SD) with one-shot (OS), 35 ms at most, read (TI, e2e.ti.com thread 955384; SBOS397C page 9).
EXTENDED_SHUTDOWN = gw.Write(b"\x01\x61\xb0")
EXTENDED_ONE_SHOT = gw.Write(b"\x01\xe1\xb0")
TMP102_CONVERSION = gw.Wait(0.035)

VARIANTS = {
    name: gw.Variant(
        addresses=row.addresses,
        channels=(row.channel,),
        wire_bits=gw.wire_bits(READ_TEMPERATURE),
        part=row.part,
        has_identity=name == "tmp1075",
    )
    for name, row in ROWS.items()
}

Range: TypeAlias = Literal["normal", "extended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures."""

    range: Annotated[Range, "extended: a TMP102 or TMP112 measures up to 150 °C instead of 125 °C"] = "normal"


def convert(frame: bytes, *, bits: int) -> gw.Values:
    """Temperature of one register value; 13 bits is the extended mode. Total: a value within limits, or an error."""
    word = gw.number(frame, 2, signed=True, what="temperature register")
    if word == -1 and bits > 9:  # all ones; with 9 bits the others are undefined: it may be -0.5 °C
        raise gw.BadFrame("temperature register whose last bits are not zero", got=frame)
    is_extended = bits == EXTENDED_BITS
    if is_extended and not frame[1] & 0x01:
        raise gw.NotReady("the chip is not in extended mode (any more): it lost power")
    steps_per_degree = 16 if is_extended else 1 << bits - 8
    temperature = (word >> 16 - bits) / steps_per_degree
    if not COLDEST <= temperature <= (HOTTEST_EXTENDED if is_extended else HOTTEST):
        raise gw.OverRange(f"temperature of {temperature:.2f} °C is beyond what the chip can measure")
    return {"temperature": temperature}


class Lm75:
    """One chip of the family. It converts all the time; only in extended mode it is told to, each time."""

    def __init__(self, variant: str, options: Options) -> None:
        """Choose the row of the table; nothing is sent yet."""
        self._variant = variant
        self._row = ROWS[variant]
        self._is_misplaced = options.range == "extended" and variant not in EXTENDABLE
        self._is_extended = options.range == "extended" and not self._is_misplaced
        self._bits = EXTENDED_BITS if self._is_extended else self._row.bits

    def identify(self) -> gw.Identifying:
        """Check what there is to check: the TMP1075's id, the fixed bits of TMP102 and TMP112."""
        if self._variant == "tmp1075":
            yield from gw.identified(READ_DEVICE_ID, TMP1075_ID, what="device id register 0F of a TMP1075")
        elif self._variant in EXTENDABLE:
            answer = yield READ_CONFIGURATION
            if int.from_bytes(answer, "big") & TMP102_FIXED != TMP102_VALUE:
                raise gw.WrongChip(f"configuration of a {self._row.part}", expected="60 A0, or alike", got=answer)
        else:
            yield READ_TEMPERATURE
        note = ""
        if self._is_misplaced:
            note = f"a {self._row.part} has no extended range: `range: extended` is for TMP102 and TMP112."
        return gw.Identity(part=self._row.part, channels=("temperature",), note=note)

    def setup(self) -> gw.Preparing:
        """Configure the chip and wait for the first value that was converted so."""
        if self._is_extended:
            yield EXTENDED_SHUTDOWN
            yield TMP102_CONVERSION  # the conversion under way ends first (SBOS397C, "shutdown mode")
        else:
            yield self._row.configure
            yield self._row.first_value

    def measure(self) -> gw.Measuring:
        """Read the newest value."""
        if self._is_extended:
            yield EXTENDED_ONE_SHOT
            yield TMP102_CONVERSION
            return convert((yield READ_TEMPERATURE), bits=self._bits)
        frame = yield READ_TEMPERATURE
        values = convert(frame, bits=self._bits)
        if values["temperature"] == 0:
            # So reads a chip that lost power and has not converted since (SBOS288M 7.5). A real zero is there again.
            yield self._row.first_value
            frame = yield READ_TEMPERATURE
            values = convert(frame, bits=self._bits)
        if self._variant == "tmp75" and not frame[1] & BEYOND_9_BITS:
            # So reads a TMP75 that lost power, for ever: it has 9 bits then. One real value in eight looks like that.
            configuration = yield READ_TMP75_CONFIGURATION
            if configuration[0] & TMP75_BITS != TMP75_BITS:
                raise gw.NotReady("the chip has lost its 12 bits: it lost power")
        return values


def replay(vector: gw.Vector) -> gw.Values:
    """Frame: the temperature register."""
    is_extended = vector.options.get("range") == "extended"
    return convert(*vector.frames, bits=EXTENDED_BITS if is_extended else ROWS[vector.variant].bits)


_TI = {"64 00": 100, "50 00": 80, "4b 00": 75, "32 00": 50, "19 00": 25, "00 40": 0.25, "ff c0": -0.25, "e7 00": -25}

_TABLES = (
    ("lm75", "SNIS153B, temperature data format", {"7d 00": 125, "00 80": 0.5, "ff 80": -0.5, "c9 00": -55}),
    # Undefined bits are set in these.
    ("lm75", "eldruin/lm75-rs src/conversion.rs", {"19 5a": 25, "e7 5a": -25, "00 da": 0.5, "fd da": -2.5}),
    ("lm75", "eldruin/lm75-rs tests/tests.rs, can_read_temperature", {"e7 a5": -24.5}),
    ("lm75a", "NXP LM75A rev 4, table 10", {"7d 00": 125, "00 20": 0.125, "ff e0": -0.125, "c9 20": -54.875}),
    ("lm75b", "NXP LM75B rev 6.1, table 10", {"19 00": 25, "00 20": 0.125, "e7 00": -25, "c9 00": -55}),
    ("pct2075", "NXP PCT2075, section 7.4.3", {"7d 00": 125, "ff e0": -0.125}),
    ("tmp75", "TI SBOS288M, table 7-1", {**_TI, "c9 00": -55}),
    ("tmp1075", "TI SBOS854F, table 7-1", {**_TI, "00 10": 0.0625, "ff f0": -0.0625, "ce 00": -50}),
    ("tmp102", "periph/devices tmp102/tmp102_test.go", {"64 00": 100, "00 00": 0, "e7 00": -25, "c9 00": -55}),
    ("tmp112", "eldruin/tmp1x2-rs src/conversion.rs", {"4b 00": 75, "00 40": 0.25, "ff c0": -0.25}),
)
_EXTENDED = {"4b 01": 150, "40 01": 128, "3f f9": 127.9375, "0c 81": 25, "ff e1": -0.25, "f3 81": -25, "e4 81": -55}
_EXTENDED_SOURCE = "TI SBOS397B, table 6; eldruin/tmp1x2-rs src/conversion.rs"

VECTORS = (
    *(vector for variant, source, rows in _TABLES for vector in gw.vectors(variant, source, temperature=rows)),
    *gw.vectors("tmp102", _EXTENDED_SOURCE, temperature=_EXTENDED, options={"range": "extended"}),
)

SPEC = gw.DriverSpec(
    name="lm75",
    summary="LM75, LM75A, LM75B, TMP75, TMP102, TMP112, TMP1075, PCT2075: temperature",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, options, _address: Lm75(variant, options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    heeds=gw.Heeds(with_data=b"\x01\x02\x03\x04"),
)
