"""TI ADS1115 and ADS1015 on I2C: the voltages of four inputs against ground, each with a range that finds itself.

Datasheets: TI SBAS444D (ADS1115, sections cited below), SBAS473E (ADS1015). Addresses 48 to 4B (pin ADDR). There is no
checksum and no identity. Inputs take from ground to the supply, whatever the range.

The answer, the conversion register 00 (section 9.6.2), two's complement in steps of range / 32768::

    byte    0                 1
            sign, 14 .. 8     7 .. 0        an ADS1015 has 12 bits, left-justified: the last 4 are 0
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal, TypeAlias

import sensor_drivers.ads1115_ranges as ranges
import sensor_gateway.driver as gw

# Registers (section 9.6).
READ_CONVERSION = gw.WriteRead(b"\x00", 2)
READ_CONFIG = gw.WriteRead(b"\x01", 2)
CONFIG = 0x01
START, IDLE = 0x8000, 0x8000  # OS, bit 15: written it starts a conversion, read it says that none is under way
SINGLE_SHOT, NO_COMPARATOR = 0x0100, 0x0003
AGAINST_GROUND = 4  # MUX, bits 14 to 12: 4 to 7 are inputs 0 to 3

SPEEDS = {  # conversions per second, and DR[2:0], bits 7 to 5
    "ads1115": {"slow": (8, 0), "normal": (128, 4), "fast": (860, 7)},
    "ads1015": {"slow": (128, 0), "normal": (1600, 4), "fast": (3300, 6)},
}
CLOCK_ERROR = 1 / 0.9  # so much longer at a rate 10 % low, "data rate variation", section 7.5
WAKE_UP_S = 0.0001  # 25 us, section 9.4.2.1
SLOWEST = gw.Wait(CLOCK_ERROR / 8)
POLL_PAUSE = gw.Wait(0.002)
POLLS = 10

Speed: TypeAlias = Literal["slow", "normal", "fast"]
Range: TypeAlias = Literal["off", "auto", "6.144V", "4.096V", "2.048V", "1.024V", "0.512V", "0.256V"]

INPUTS = ("a0", "a1", "a2", "a3")
VOLTAGE = gw.QUANTITIES["voltage"]
LOWEST = -0.3  # against ground, the absolute maximum rating (section 7.1)
HIGHEST = 6.138  # what an ADS1015 can tell from its end; no supply is so high
# The finest step is 7.8 uV (ADS1115) or 125 uV (ADS1015); options do not say which chip it is, and errors are larger.
RESOLUTION = 1e-4
CHANNELS = tuple(
    gw.Channel(name=name, quantity=VOLTAGE, low=LOWEST, high=HIGHEST, resolution=RESOLUTION, deadband=0.01)
    for name in INPUTS
)


def _configured(word: int) -> gw.Write:
    return gw.Write(bytes((CONFIG, word >> 8, word & 0xFF)))


def _variant(part: str) -> gw.Variant:
    # Of all four inputs, without the register more that is reckoned for each channel but the first (gw.Variant).
    bits = 4 * gw.wire_bits(_configured(START), READ_CONFIG, READ_CONVERSION) - 3 * 22
    return gw.Variant(addresses=(0x48, 0x49, 0x4A, 0x4B), channels=CHANNELS, wire_bits=bits, part=part)


VARIANTS = {"ads1115": _variant("ADS1115"), "ads1015": _variant("ADS1015")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is measured. Each input is off, has one range for ever, or finds (auto) the narrowest that holds it."""

    a0: Annotated[Range, "input A0 against ground: off, auto, or a range"] = "auto"
    a1: Annotated[Range, "input A1"] = "off"
    a2: Annotated[Range, "input A2"] = "off"
    a3: Annotated[Range, "input A3"] = "off"
    speed: Annotated[Speed, "slow has the least noise: 8, 128, 860 conversions/s (ADS1015: 128, 1600, 3300)"] = "normal"

    @property
    def inputs(self) -> dict[str, Range]:
        """The ranges of the inputs that are not off."""
        all_four = zip(INPUTS, (self.a0, self.a1, self.a2, self.a3), strict=True)
        return {name: chosen for name, chosen in all_four if chosen != "off"}


def check(options: Options) -> tuple[str, ...]:
    """A sentence about a chip with nothing to measure."""
    return () if options.inputs else ("a0, a1, a2 and a3 are all off: nothing would be measured",)


def channels_of(options: Options) -> tuple[gw.Channel, ...]:
    """One per input that is not off."""
    return tuple(channel for channel in CHANNELS if channel.name in options.inputs)


def convert(frame: bytes, *, chosen: str, name: str = "a0", variant: str = "ads1115") -> gw.Values:
    """Voltage of one conversion in the range ``chosen``. Total: a value within limits, or an error."""
    unused = (1 << ranges.BITS_UNUSED[variant]) - 1
    if gw.number(frame, 2, what="conversion register") & unused:
        complaint = "more than 12 bits: this chip is no ADS1015 but an ADS1115"
        raise gw.BadFrame(complaint, expected="last 4 bits 0", got=frame)
    if ranges.is_saturated(frame, variant):
        is_widest = chosen == ranges.NAMES[-1]
        advice = "the chip cannot measure it" if is_widest else "a wider range, or auto, would measure it"
        raise gw.OverRange(f"{name} is beyond its range of {chosen}: {advice}")
    volts = ranges.volts(frame, chosen)
    if volts < LOWEST:
        raise gw.OverRange(f"{name} is {volts:.3f} V, below the ground of the chip, which must not be")
    return {name: volts}


class Ads1115:
    """One chip. It converts when asked, and remembers of each input which range suited it."""

    def __init__(self, variant: str, options: Options) -> None:
        """Work out times and ranges; nothing is sent yet."""
        self._variant = variant
        self._inputs = options.inputs
        self._places = {name: _beginning(chosen) for name, chosen in self._inputs.items()}
        per_second, data_rate = SPEEDS[variant][options.speed]
        self._duration = gw.Wait(CLOCK_ERROR / per_second + WAKE_UP_S)
        self._unchanging = SINGLE_SHOT | NO_COMPARATOR | data_rate << 5

    def identify(self) -> gw.Identifying:
        """See that something answers: the chip has no identity."""
        yield READ_CONFIG
        part = VARIANTS[self._variant].part
        return gw.Identity(part=f"{part} (it has no identity register)", channels=tuple(self._inputs))

    def setup(self) -> gw.Preparing:
        """End what another program may have left converting, and see that the configuration holds."""
        idle = self._word("a0", ranges.MIDDLE)
        yield _configured(idle)
        yield SLOWEST
        answer = yield READ_CONFIG
        if int.from_bytes(answer, "big") | IDLE != idle | IDLE:
            raise gw.WrongChip("configuration, register 01", expected=f"{idle | IDLE:04x} as written", got=answer)

    def measure(self) -> gw.Measuring:
        """Convert one input after the other."""
        values: dict[str, float] = {}
        for name in self._inputs:
            values |= yield from self._input(name)
        return values

    def _input(self, name: str) -> gw.Measuring:
        is_fixed = self._inputs[name] != "auto"
        place, frame = self._places[name], b""
        for _ in range(gw.MOST_RANGES_TRIED):
            place = self._places[name]
            frame = yield from self._converted(self._word(name, place))
            level = ranges.level(frame, place, self._variant)
            suitable = place if is_fixed else gw.suitable_range(ranges.SPANS, place, level)
            if suitable == place:
                break
            self._places[name] = suitable
        return convert(frame, chosen=ranges.NAMES[place], name=name, variant=self._variant)

    def _converted(self, word: int) -> Generator[gw.Operation, bytes, bytes]:
        yield _configured(word | START)
        yield self._duration
        is_ready = partial(_is_ready, word)
        yield from gw.until(READ_CONFIG, is_ready, pause=POLL_PAUSE, tries=POLLS, otherwise="no value")
        return (yield READ_CONVERSION)

    def _word(self, name: str, place: int) -> int:
        return (AGAINST_GROUND | INPUTS.index(name)) << 12 | ranges.PGA[ranges.NAMES[place]] << 9 | self._unchanging


def _beginning(chosen: Range) -> int:
    return ranges.MIDDLE if chosen == "auto" else ranges.NAMES.index(chosen)


def _is_ready(word: int, answer: bytes) -> bool:
    config = int.from_bytes(answer, "big")
    if config | IDLE != word | IDLE:
        raise gw.NotReady(f"the chip lost its configuration, or its power: {answer.hex(' ')} in register 01")
    return bool(config & IDLE)


def replay(vector: gw.Vector) -> gw.Values:
    """Frame: the conversion register. Option: the range."""
    return convert(*vector.frames, chosen=vector.options["range"], variant=vector.variant)


def _vector(variant: str, frame: str, chosen: Range, volts: float, source: str, by: float = 1e-6) -> gw.Vector:
    return gw.vector(variant, frame, a0=volts, source=source, tolerance=by, options={"range": chosen})


_FEEPH = "feeph/libads1xxx-python tests/test_conversions.py, TestConvertToMicrovolt"
_STEPS: dict[Range, float] = {"6.144V": 188e-6, "4.096V": 125e-6, "2.048V": 63e-6, "1.024V": 31e-6, "0.512V": 16e-6}
_STEPS |= {"0.256V": 8e-6}
_PERIPH = "periph/devices ads1x15/ads1x15_test.go, "

VECTORS = (
    *(_vector("ads1115", "00 01", chosen, volts, _FEEPH) for chosen, volts in _STEPS.items()),
    # Theirs divides by 32767, the datasheet by 32768.
    _vector("ads1115", "12 34", "4.096V", 0.582518, "feeph/libads1xxx-python test_ccm_measurement_pga", 2e-5),
    _vector("ads1115", "00 00", "2.048V", 0, "TI SBAS444D, table 3"),
    _vector("ads1115", "ff ff", "2.048V", -2.048 / 2**15, "TI SBAS444D, table 3", 1e-9),
    _vector("ads1015", "ff 50", "6.144V", -0.033, f"{_PERIPH}TestPinADC_Read"),
    _vector("ads1015", "52 d0", "6.144V", 3.975, f"{_PERIPH}TestPinADC_ReadContinous"),
    _vector("ads1015", "52 c0", "6.144V", 3.972, f"{_PERIPH}TestPinADC_ReadContinous"),
    _vector("ads1015", "00 10", "2.048V", 2.048 / 2**11, "TI SBAS473E, table 3", 1e-9),
    _vector("ads1015", "ff f0", "2.048V", -2.048 / 2**11, "TI SBAS473E, table 3", 1e-9),
)

SPEC = gw.DriverSpec(
    name="ads1115",
    summary="TI ADS1115, ADS1015: voltages of four inputs",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, options, _address: Ads1115(variant, options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    check=check,
    channels_of=channels_of,
    heeds=gw.Heeds(with_data=b"\x01\x02\x03"),
)
