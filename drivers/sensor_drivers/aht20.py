"""Aosong AHT20, AHT21, DHT20 and the older AHT10, AHT15 on I2C: temperature and relative humidity.

Datasheets: Aosong AHT20, version 1.1 (sections cited below are its own), AHT10, version 1.1. Address 38; an AHT10 may
have 39. They have no identity. The older ones have no checksum either: their answer ends before it.

The answer, two numbers of 20 bits, the checksum over all bytes before it (section 5.4)::

    byte    0       1          2          3                     4          5          6
            status  hum 19..12 hum 11..4  hum 3..0, temp 19..16 temp 15..8 temp 7..0  crc

    status: 7 busy, 3 calibrated
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass

import sensor_gateway.driver as gw

# Commands (section 5.3, table 9). A read without a command begins with the status, in old parts and new ones.
READ_STATUS = gw.Read(1)
TRIGGER = gw.Write(b"\xac\x33\x00")
SOFT_RESET = gw.Write(b"\xba")
INITIALIZE = gw.Write(b"\xbe\x08\x00")
INITIALIZE_OLD = gw.Write(b"\xe1\x08\x00")  # AHT10, section 5.3

BUSY, CALIBRATED = 0x80, 0x08  # status bits (section 5.3, table 10)

RESET_TIME = gw.Wait(0.04)  # after power-on (section 5.4, step 1); a soft reset takes 20 ms at most (section 5.5)
INITIALIZE_TIME = gw.Wait(0.01)  # section 5.4, step 1
CONVERSION = gw.Wait(0.08)  # section 5.4, step 3; so wait Linux (hwmon/aht10.c) and ESPHome (aht10.cpp)
POLL_PAUSE = gw.Wait(0.02)
POLLS = 10  # some parts take longer than they should (esphome/issues 1330)
# After an initialization ESPHome looks for up to 50 ms whether the chip is busy; Linux gives an AHT10 350 ms.
LOADS = 20

FULL_SCALE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One member of the family."""

    part: str
    hottest: float = 85.0
    addresses: tuple[int, ...] = (0x38,)
    has_checksum: bool = True

    @property
    def answer(self) -> gw.Read:
        """How much it has to say."""
        return gw.Read(7 if self.has_checksum else 6)


ROWS = {
    "aht20": Row(part="AHT20"),
    "aht21": Row(part="AHT21", hottest=120.0),
    "dht20": Row(part="DHT20"),
    "aht10": Row(part="AHT10", addresses=(0x38, 0x39), has_checksum=False),
    "aht15": Row(part="AHT15", has_checksum=False),
}
COLDEST = -40.0


def _variant(row: Row) -> gw.Variant:
    temperature = gw.Channel(quantity=gw.TEMPERATURE, low=COLDEST, high=row.hottest, resolution=0.01, deadband=0.1)
    humidity = gw.Channel(quantity=gw.HUMIDITY, low=0, high=100, resolution=0.024, deadband=0.5)
    bits = gw.wire_bits(TRIGGER, row.answer)
    return gw.Variant(addresses=row.addresses, channels=(temperature, humidity), wire_bits=bits, part=row.part)


VARIANTS = {name: _variant(row) for name, row in ROWS.items()}


def convert(frame: bytes, *, row: Row) -> gw.Values:
    """Values of one answer (section 6). Total: values within limits, or an error."""
    if len(frame) != row.answer.count:
        raise gw.BadFrame("answer of the wrong length", expected=f"{row.answer.count} bytes", got=frame)
    if row.has_checksum and gw.crc8(frame[:6]) != frame[6]:
        raise gw.BadFrame("checksum", expected=f"{gw.crc8(frame[:6]):02x}", got=f"{frame[6]:02x}")
    if frame[0] & BUSY or not frame[0] & CALIBRATED:
        raise gw.NotReady(f"the chip is busy or has lost its calibration (status {frame[0]:02x})")
    h = frame[1] << 12 | frame[2] << 4 | frame[3] >> 4
    t = (frame[3] & 0x0F) << 16 | frame[4] << 8 | frame[5]
    if h == 0:
        # No air is that dry: it is what the chip holds before it has measured (enjoyneering/AHT10 issue 2, ESPHome).
        raise gw.NotReady("the chip answers with a humidity of exactly 0, as before its first measurement")
    temperature = 200 * t / FULL_SCALE - 50
    if not COLDEST <= temperature <= row.hottest:
        raise gw.OverRange(f"temperature of {temperature:.2f} °C is beyond what the chip can measure")
    return {"temperature": temperature, "humidity": 100 * h / FULL_SCALE}


class Aht20:
    """One chip. It is idle between measurements."""

    def __init__(self, variant: str) -> None:
        """Choose the row of the table; nothing is sent yet."""
        self._row = ROWS[variant]
        # Which parts want which is disputed (esphome/issues 5575): where one does not help, the other is tried.
        both = (INITIALIZE, INITIALIZE_OLD)
        self._initializations = both if self._row.has_checksum else both[::-1]

    def identify(self) -> gw.Identifying:
        """Only see that somebody answers: the chip has no identity."""
        yield READ_STATUS
        return gw.Identity(part=f"{self._row.part} (it has no identity)", channels=("temperature", "humidity"))

    def setup(self) -> gw.Preparing:
        """Reset the chip, and have it load its calibration where it has not done so by itself."""
        yield SOFT_RESET
        yield RESET_TIME
        for initialization in self._initializations:
            status = yield from _loaded()
            if status[0] & CALIBRATED:
                return
            with suppress(gw.Nack):
                yield initialization
            yield INITIALIZE_TIME
        status = yield from _loaded()
        if not status[0] & CALIBRATED:
            raise gw.NotReady(f"the chip does not load its calibration (status {status[0]:02x})")

    def measure(self) -> gw.Measuring:
        """Measure once."""
        yield TRIGGER
        yield CONVERSION
        frame = yield from gw.until(
            self._row.answer, _is_ready, pause=POLL_PAUSE, tries=POLLS, otherwise="the chip is still busy"
        )
        return convert(frame, row=self._row)


def _loaded() -> Generator[gw.Operation, bytes, bytes]:
    return gw.until(READ_STATUS, _is_ready, pause=POLL_PAUSE, tries=LOADS, otherwise="the chip still loads")


def _is_ready(answer: bytes) -> bool:
    return not answer[0] & BUSY


VECTORS = tuple(
    gw.vector(variant, frame, temperature=t, humidity=h, tolerance=by, source=source)
    for variant, frame, t, h, by, source in (
        ("aht20", "18 75 52 05 8e 40 7f", 19.4458, 45.82824, 1e-4, "periph/devices aht20_test.go, TestDev_Sense"),
        ("aht20", "1c 65 b4 25 cd 26 c6", 22.52, 39.73, 0.01, "anglerud/aht20-driver src/lib.rs, measure"),
        ("aht20", "1c 71 bf 06 56 a9 95", 29.231453, 44.432068, 1e-6, "elixir-sensors/aht20 sensor_test.exs"),
        ("aht10", "08 8c cc c8 00 00", 50.0, 55.0, 0.024, "go-sensors/asairaht10 sensor_test.go, its last test"),
    )
)

SPEC = gw.DriverSpec(
    name="aht20",
    summary="Aosong AHT20, AHT21, DHT20, AHT10, AHT15: temperature, humidity",
    bus=gw.BusKind.I2C,
    variants=VARIANTS,
    create=lambda variant, _options, _address: Aht20(variant),
    replay=lambda vector: convert(*vector.frames, row=ROWS[vector.variant]),
    vectors=VECTORS,
    # A step is 0.0002 °C: noise moves the last bits all the time.
    frozen_after={"temperature": 300},
    # Reset; trigger, initialization of old and new parts, and the registers of their calibration.
    heeds=gw.Heeds(alone=b"\xba", with_data=b"\xac\xbe\xe1\xa8\x1b\x1c\x1e"),
)
