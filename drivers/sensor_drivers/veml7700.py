"""Vishay VEML7700 and VEML6030 on I2C: illuminance, from moonlight to the sun. They differ in package and address pin.

Datasheets: Vishay 84286 (VEML7700) rev 1.8 and 84366 (VEML6030); application notes 84323 (06-Mar-2025, sections cited
below are its own) and 84367. Address 10; a VEML6030 with ADDR high: 48. No checksum.

Every register is one word, low byte first. The answer, register 04::

    byte    0      1
            7..0   15..8        lx = counts x lx per count of gain and integration time, then corrected

Both stand in veml7700_ranges.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import sensor_drivers.veml7700_ranges as ranges
import sensor_gateway.driver as gw

# Command codes ("command register format").
ALS_CONF_0, ALS_WH, ALS_WL, POWER_SAVING = 0x00, 0x01, 0x02, 0x03
READ_ALS_CONF_0 = gw.WriteRead(b"\x00", 2)
READ_ALS = gw.WriteRead(b"\x04", 2)
READ_ID = gw.WriteRead(b"\x07", 2)
NO_POWER_SAVING = gw.Write(b"\x03\x00\x00")
DEVICE_ID = 0x81  # low byte; parts from before datasheet rev 1.6 have no such register
RESERVED_BITS = 0xE40C  # of ALS_CONF_0, read as 0 (table 1)
ALS_SD = 0x0001

Range: TypeAlias = Literal["auto", "moonlight", "room", "daylight", "sun"]
Correction: TypeAlias = Literal["vishay", "none"]

_LUX = gw.Channel(quantity=gw.ILLUMINANCE, low=0, high=ranges.BRIGHTEST, resolution=ranges.FINEST, deadband=1.0)

WIRE_BITS = gw.wire_bits(READ_ALS, READ_ALS_CONF_0)
VARIANTS = {
    "veml7700": gw.Variant(addresses=(0x10,), channels=(_LUX,), wire_bits=WIRE_BITS, part="VEML7700"),
    "veml6030": gw.Variant(addresses=(0x10, 0x48), channels=(_LUX,), wire_bits=WIRE_BITS, part="VEML6030"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the chip measures. By itself it finds the range, and keeps it while it suits."""

    range: Annotated[Range, "auto, or one for ever: moonlight to 275 lx, room to 4404, daylight to 35 232, sun"] = (
        "auto"
    )
    correction: Annotated[Correction, "vishay: the maker's formula above 100 lx; none: as counted"] = "vishay"


def convert(frame: bytes, *, chosen: ranges.Setting, correction: Correction = "vishay") -> gw.Values:
    """Illuminance of one answer. Total: a value within limits, BadFrame or OverRange."""
    counts = gw.number(frame, 2, byteorder="little", what="ALS register")
    if counts == ranges.SATURATED:
        raise gw.OverRange("the light is brighter than this range of the chip can measure")
    lux = counts * chosen.lux_per_count
    if correction == "vishay" and chosen.is_corrected:
        lux = ranges.corrected(lux)
        if lux > ranges.BRIGHTEST:
            raise gw.OverRange(
                "the corrected light is brighter than the chip can measure: `correction: none` is without"
            )
    return {"illuminance": lux}


class Veml7700:
    """One chip. It integrates all the time."""

    def __init__(self, variant: str, options: Options) -> None:
        """Begin in the middle; nothing is sent yet."""
        self._part = VARIANTS[variant].part
        self._correction = options.correction
        self._is_fixed = options.range != "auto"
        self._at = ranges.NAMES.index(options.range) if self._is_fixed else ranges.MIDDLE

    def identify(self) -> gw.Identifying:
        """Read the id, which newer parts have; of older ones only the reserved bits can be seen."""
        answer = yield READ_ID
        if answer[0] == DEVICE_ID:
            return gw.Identity(part=f"{self._part}, id {answer[1]:02x}{answer[0]:02x}", channels=("illuminance",))
        configuration = yield READ_ALS_CONF_0
        if int.from_bytes(configuration, "little") & RESERVED_BITS:
            raise gw.WrongChip(f"configuration of a {self._part}", expected="reserved bits of 0", got=configuration)
        return gw.Identity(part=f"{self._part} (an early one, without an id)", channels=("illuminance",))

    def setup(self) -> gw.Preparing:
        """Set the range and wait for its first value."""
        yield NO_POWER_SAVING
        yield from self._enter(self._at)

    def measure(self) -> gw.Measuring:
        """Read the newest value; in another range where it does not suit this one."""
        frame = yield from gw.suited(ranges.SPANS, self._at, self._measured, is_fixed=self._is_fixed)
        return convert(frame, chosen=ranges.SETTINGS[self._at], correction=self._correction)

    def _measured(self, place: int) -> gw.Ranged[bytes]:
        if place != self._at:
            yield from self._enter(place)
        chosen = ranges.SETTINGS[place]
        frame = yield READ_ALS
        if (yield READ_ALS_CONF_0) != chosen.configuration:
            # Without a look afterwards, a chip that lost power would report darkness: it is shut down and holds 0.
            raise gw.NotReady("the chip has lost its configuration: it lost power")
        return frame, chosen.level(frame)

    def _enter(self, place: int) -> gw.Preparing:
        """Shut down, set the range, wake up, as the flow chart has it; what was being integrated is lost so."""
        low, high = ranges.SETTINGS[place].configuration
        yield gw.Write(bytes((ALS_CONF_0, low | ALS_SD, high)))
        yield gw.Write(bytes((ALS_CONF_0, low, high)))
        self._at = place
        yield ranges.SETTINGS[place].first_value


def replay(vector: gw.Vector) -> gw.Values:
    """Frame: the ALS register. Options: gain, integration time, and where it is not Vishay's the correction."""
    chosen = ranges.setting(vector.options["gain"], vector.options["time"])
    return convert(*vector.frames, chosen=chosen, correction=vector.options.get("correction", "vishay"))


def _vector(counts: int, gain: float, time: int, lux: float, by: float, source: str, **more: str) -> gw.Vector:
    options = {"gain": gain, "time": time, **more}
    frame = counts.to_bytes(2, "little")
    return gw.vector("veml7700", frame, illuminance=lux, tolerance=by, source=source, options=options)


_NOTE = "Vishay 84323, 06-Mar-2025, "
_PHOTON = "photon-circus/ph-veml7700-als crates/veml7700/src/illuminance.rs, all_documented_gain_and_integration_pairs"

VECTORS = (
    _vector(5581, 0.25, 100, 1658, 0.5, _NOTE + "worked example of the correction"),
    _vector(5581, 0.25, 100, 1500, 0.5, _NOTE + "worked example before the correction", correction="none"),
    _vector(100, 0.125, 100, 54, 0.5, _NOTE + "example of ranging"),
    _vector(1, 2.0, 800, 0.0042, 1e-9, _PHOTON),
    _vector(1, 1.0, 100, 0.0672, 1e-9, _PHOTON),
    _vector(1, 0.125, 100, 0.5376, 1e-9, _PHOTON),
    _vector(1, 0.125, 25, 2.1504, 1e-9, _PHOTON),
    # The greatest count is saturation to us, so this is one count less than the table's last cell.
    _vector(0xFFFE, 0.125, 25, 140_926, 3, _NOTE + "maximum detection range", correction="none"),
    _vector(0xFFFE, 2.0, 800, 275, 0.5, _NOTE + "maximum detection range"),
)

SPEC = gw.DriverSpec(
    name="veml7700",
    summary="Vishay VEML7700, VEML6030: illuminance",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, options, _address: Veml7700(variant, options),
    replay=replay,
    vectors=VECTORS,
    options=Options,
    heeds=gw.Heeds(with_data=bytes((ALS_CONF_0, ALS_WH, ALS_WL, POWER_SAVING))),
)
