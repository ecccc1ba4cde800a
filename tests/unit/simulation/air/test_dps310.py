from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.simulation.chips.air import dps310
from sensor_gateway.simulation.chips.air.dps310 import Dps310
from sensor_gateway.simulation.chips.chip import Mounting

Mount = Callable[..., Mounting]

CORRECTION = (b"\x0e\xa5", b"\x0f\x96", b"\x62\x02", b"\x0e\x00", b"\x0f\x00")


def registers(chip: Dps310, pointer: int, count: int, now_s: float) -> bytes:
    chip.write(bytes((pointer,)), now_s)
    return chip.read(count, now_s)


def celsius(chip: Dps310, at_s: float, samples: int = 0) -> float:
    chip.write(b"\x08\x02", at_s)
    raw = int.from_bytes(registers(chip, 0x03, 3, at_s + 1), "big", signed=True)
    return dps310.C0 / 2 + dps310.C1 * raw / dps310.SCALES[samples]


def test_coefficients_of_a_recorded_chip(mount: Mount) -> None:
    """Infineon/DPS310-Pressure-Sensor issue 30: c0 222, c1 -297, c00 79832, c10 -56308, ... c30 -1289."""
    block = registers(Dps310(mount("dps310", temperature=20.0, pressure=1000.0)), 0x10, 18, 0.0)
    assert block.hex(" ") == "0d ee d7 13 7d 8f 24 0c f7 09 05 a4 da 1b 00 6f fa f7"


def test_identity(mount: Mount) -> None:
    assert registers(Dps310(mount("dps368", temperature=20.0, pressure=1000.0)), 0x0D, 1, 0.0) == b"\x10"


def test_the_thermometer_has_to_be_the_element_s(mount: Mount) -> None:
    """The issue's author read -2.57 °C in a room of 25.7 °C with the other one."""
    chip = Dps310(mount("dps368", temperature=25.7, pressure=1000.0))
    assert celsius(chip, 0.0) == pytest.approx(-2.57, abs=0.05)
    chip.write(b"\x07\x80", 2.0)
    assert celsius(chip, 2.0) == pytest.approx(25.7, abs=0.01)


def test_a_dps310_reads_60_degrees_too_much_until_it_is_corrected(mount: Mount) -> None:
    chip = Dps310(mount("dps310", temperature=25.0, pressure=1000.0))
    chip.write(b"\x07\x80", 0.0)
    assert celsius(chip, 0.0) == pytest.approx(85.0, abs=0.01)
    for step in CORRECTION:
        chip.write(step, 2.0)
    assert celsius(chip, 2.0) == pytest.approx(25.0, abs=0.01)
    chip.write(b"\x0c\x89", 4.0)
    chip.write(b"\x07\x80", 5.0)
    assert celsius(chip, 5.0) == pytest.approx(85.0, abs=0.01)


def test_many_samples_overflow_unless_they_are_shifted(mount: Mount) -> None:
    chip = Dps310(mount("dps368", temperature=25.0, pressure=1000.0))
    chip.write(b"\x07\x87", 0.0)
    assert celsius(chip, 0.0, 7) != pytest.approx(25.0, abs=1)
    chip.write(b"\x09\x08", 2.0)
    assert celsius(chip, 2.0, 7) == pytest.approx(25.0, abs=0.01)


def test_flags_tell_of_results_and_fall_when_they_are_read(mount: Mount) -> None:
    chip = Dps310(mount("dps368", temperature=25.0, pressure=1000.0))
    chip.write(b"\x08\x02", 0.0)
    assert registers(chip, 0x08, 1, 0.0038) == b"\xc2"
    assert registers(chip, 0x08, 1, 0.0039) == b"\xe0"
    chip.write(b"\x06\x04\x87", 1.0)
    chip.write(b"\x08\x01", 1.0)
    assert registers(chip, 0x08, 1, 1.0298) == b"\xe1"
    assert registers(chip, 0x08, 1, 1.0299) == b"\xf0"
    registers(chip, 0x00, 6, 1.1)
    assert registers(chip, 0x08, 1, 1.1) == b"\xc0"


def test_after_a_reset_it_is_ready_in_12_and_40_ms(mount: Mount) -> None:
    chip = Dps310(mount("dps310", temperature=25.0, pressure=1000.0))
    chip.write(b"\x06\x07", 1.0)
    chip.write(b"\x0c\x89", 1.0)
    assert registers(chip, 0x08, 1, 1.0119) == b"\x00"
    assert registers(chip, 0x08, 1, 1.012) == b"\x40"
    assert registers(chip, 0x06, 4, 1.04) == b"\x00\x00\xc0\x00"
    assert registers(chip, 0x00, 6, 1.04) == bytes(6)


def test_background_mode_measures_both_again_and_again(mount: Mount) -> None:
    chip = Dps310(mount("dps368", temperature=lambda at_s: 20 + at_s, pressure=1000.0))
    chip.write(b"\x08\x07", 0.0)
    first = registers(chip, 0x00, 6, 1.0)
    assert registers(chip, 0x08, 1, 1.5) == b"\xf7"
    assert registers(chip, 0x00, 6, 2.0) != first


@given(warmth=st.floats(-40, 85), pascal=st.floats(30_000, 120_000))
def test_inversion_is_exact(warmth: float, pascal: float) -> None:
    p = dps310.scaled_pressure(warmth, pascal)
    t = (warmth - dps310.C0 / 2) / dps310.C1
    found = dps310.C00 + p * (dps310.C10 + p * (dps310.C20 + p * dps310.C30))
    found += t * dps310.C01 + t * p * (dps310.C11 + p * dps310.C21)
    assert found == pytest.approx(pascal, abs=0.001)
