"""The chips that answer in words, each with a checksum: what holds for all of them, over a table.

What is one chip's own stands in its own file (test_sht3x.py and so on).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.driver import BadFrame, DriverSpec, Nack, OverRange, Values, crc8
from sensor_gateway.testing import Playback, Transfer, play


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One chip: its recorded answer and what that means, how it is asked, and what it says of itself.

    ``modes`` are options with the command and the wait that they make, the default first; ``full_scale`` is what the
    words are divided by.
    """

    driver: str
    variant: str
    address: int
    recorded: str
    means: Values
    within: float
    modes: tuple[tuple[Mapping[str, object], str, float], ...]
    identity: tuple[tuple[str, str | None], ...]
    full_scale: int = 65535

    @property
    def spec(self) -> DriverSpec:
        spec: DriverSpec = importlib.import_module(f"sensor_drivers.{self.driver}").SPEC
        return spec

    def made(self, options: Mapping[str, object]) -> Any:
        return self.spec.create(self.variant, self.spec.options(**options), self.address)

    def convert(self, frame: bytes) -> Values:
        values: Values = importlib.import_module(f"sensor_drivers.{self.driver}").convert(frame)
        return values

    def transfers(self, *steps: tuple[str, str | None]) -> list[Transfer]:
        """What is written and what comes back, in hexadecimal; ``None`` for nothing."""
        return [Transfer(self.address, bytes.fromhex(data), bytes.fromhex(answer or "")) for data, answer in steps]

    def measurement(self, answer: str, mode: int = 0) -> list[Transfer]:
        return self.transfers((self.modes[mode][1], None), ("", answer))


CHIPS = {
    chip.driver: chip
    for chip in (
        Chip(
            driver="sht3x",
            variant="sht31",
            address=0x44,
            recorded="62 60 b6 72 b3 8f",
            means={"temperature": 22.25, "humidity": 44.80},
            within=0.01,
            modes=(
                ({}, "24 00", 0.0155),
                ({"repeatability": "high"}, "24 00", 0.0155),
                ({"repeatability": "medium"}, "24 0b", 0.0065),
                ({"repeatability": "low"}, "24 16", 0.0045),
            ),
            identity=(("36 82", None), ("", "be ef 92 00 00 81")),
        ),
        Chip(
            driver="sht4x",
            variant="sht40",
            address=0x44,
            recorded="63 36 9a 5a 7c 0d",
            means={"temperature": 22.8210, "humidity": 38.1825},
            within=1e-4,
            modes=(
                ({}, "fd", 0.0083),
                ({"repeatability": "high"}, "fd", 0.0083),
                ({"repeatability": "medium"}, "f6", 0.0045),
                ({"repeatability": "low"}, "e0", 0.0016),
            ),
            identity=(("89", None), ("", "0d 20 47 61 01 11")),
        ),
        Chip(
            driver="shtc3",
            variant="shtc3",
            address=0x70,
            recorded="64 8b c7 a1 33 1c",
            means={"temperature": 23.730, "humidity": 62.968},
            within=0.001,
            modes=(
                ({}, "78 66", 0.0144),
                ({"power": "normal"}, "78 66", 0.0144),
                ({"power": "low"}, "60 9c", 0.001),
            ),
            identity=(("35 17", None), ("ef c8", None), ("", "08 07 21")),
            full_scale=65536,
        ),
        Chip(
            driver="hdc302x",
            variant="hdc3022",
            address=0x44,
            recorded="68 c5 51 3b 82 31",
            means={"temperature": 26.6208896, "humidity": 23.24559},
            within=1e-5,
            modes=(
                ({}, "24 00", 0.0141),
                ({"low_power_mode": 0}, "24 00", 0.0141),
                ({"low_power_mode": 1}, "24 0b", 0.0084),
                ({"low_power_mode": 2}, "24 16", 0.0057),
                ({"low_power_mode": 3}, "24 ff", 0.0042),
            ),
            # As periph/devices recorded it from a real chip (hdc302x_test.go, pbConfiguration).
            identity=(("37 81", "30 00 33"), ("36 83", "c2 95 3e"), ("36 84", "b1 49 51"), ("36 85", "15 21 2f")),
        ),
    )
}
EVERY = pytest.mark.parametrize("chip", CHIPS.values(), ids=CHIPS)
MODES = [(chip, mode) for chip in CHIPS.values() for mode in range(len(chip.modes))]


def with_checksums(*words: int) -> bytes:
    pairs = [word.to_bytes(2, "big") for word in words]
    return b"".join(pair + bytes((crc8(pair),)) for pair in pairs)


def broken(answer: str) -> Iterator[str]:
    """The answer with one bit of one byte turned over, for each of its bytes."""
    frame = bytes.fromhex(answer)
    for place in range(len(frame)):
        yield (frame[:place] + bytes((frame[place] ^ 0x10,)) + frame[place + 1 :]).hex()


@pytest.mark.parametrize(("chip", "mode"), MODES, ids=lambda value: getattr(value, "driver", str(value)))
def test_a_measurement_is_a_command_a_wait_and_one_answer(chip: Chip, mode: int) -> None:
    options, _, wait_s = chip.modes[mode]
    with Playback(chip.measurement(chip.recorded, mode)) as bus:
        played = play(chip.made(options).measure(), bus, address=chip.address)
    assert played.result == pytest.approx(dict(chip.means), abs=chip.within)
    assert played.waits_s == (wait_s,)


@EVERY
def test_a_chip_says_who_it_is(chip: Chip) -> None:
    with Playback(chip.transfers(*chip.identity)) as bus:
        identity = play(chip.made({}).identify(), bus, address=chip.address).result
    assert identity.channels == ("temperature", "humidity")
    assert not identity.note


@EVERY
def test_a_broken_byte_in_a_measurement_is_a_bad_frame(chip: Chip) -> None:
    for answer in broken(chip.recorded):
        with Playback(chip.measurement(answer)) as bus, pytest.raises(BadFrame):
            play(chip.made({}).measure(), bus, address=chip.address)


@EVERY
def test_a_broken_byte_in_what_a_chip_says_of_itself_is_a_bad_frame(chip: Chip) -> None:
    for place, (written, answer) in enumerate(chip.identity):
        for damaged in broken(answer or ""):
            script = chip.transfers(*chip.identity[:place], (written, damaged))
            with Playback(script) as bus, pytest.raises(BadFrame):
                play(chip.made({}).identify(), bus, address=chip.address)


@EVERY
def test_a_broken_checksum_says_what_was_expected_and_what_came(chip: Chip) -> None:
    frame = bytes.fromhex(chip.recorded)
    came = frame[5] ^ 1
    with pytest.raises(BadFrame, match=f"checksum of word 2: expected {frame[5]:02x}, got {came:02x}"):
        chip.convert(frame[:5] + bytes((came,)))


@EVERY
def test_a_chip_that_does_not_acknowledge_gives_no_value(chip: Chip) -> None:
    refused = [*chip.measurement("")[:1], Transfer(chip.address, b"", Nack("busy"))]
    with Playback(refused) as bus, pytest.raises(Nack):
        play(chip.made({}).measure(), bus, address=chip.address)


@EVERY
def test_a_temperature_beyond_the_chip_is_over_range(chip: Chip) -> None:
    for t in (0x0000, 0xFFFF):
        with pytest.raises(OverRange):
            chip.convert(with_checksums(t, 0x8000))


@EVERY
@given(t=st.integers(0, 0xFFFF), h=st.integers(0, 0xFFFF))
def test_any_two_words_are_values_within_limits_or_over_range(chip: Chip, t: int, h: int) -> None:
    temperature, humidity = chip.spec.variants[chip.variant].channels
    try:
        values = chip.convert(with_checksums(t, h))
    except OverRange:
        assert not temperature.low <= -45 + 175 * t / chip.full_scale <= temperature.high
        return
    assert temperature.low <= values["temperature"] <= temperature.high
    assert humidity.low <= values["humidity"] <= humidity.high


@EVERY
@given(frame=st.binary(max_size=12))
def test_only_whole_words_with_right_checksums_are_values(chip: Chip, frame: bytes) -> None:
    try:
        chip.convert(frame)
    except (BadFrame, OverRange):
        return
    assert with_checksums(int.from_bytes(frame[:2], "big"), int.from_bytes(frame[3:5], "big")) == frame
