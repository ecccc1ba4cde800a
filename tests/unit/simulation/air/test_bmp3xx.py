from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.simulation.chips.air import bosch3
from sensor_gateway.simulation.chips.air.bmp3xx import Bmp3xx
from sensor_gateway.simulation.chips.chip import Mounting

Mount = Callable[..., Mounting]

LONGEST_S = (234 + 392 + 4 * 2020 + 163 + 2020) * 1e-6 * 7 / 6
"""Of a chip as it comes from power-on: four samples of pressure, one of temperature."""


def registers(chip: Bmp3xx, pointer: int, count: int, now_s: float) -> str:
    chip.write(bytes((pointer,)), now_s)
    return chip.read(count, now_s).hex()


@pytest.mark.parametrize(
    ("variant", "celsius", "hpa", "data"),
    [("bmp388", 30.499314453874284, 1008.7600634692199, "979f6d73d885"), ("bmp390", 25.770746, 983.7055, None)],
)
def test_recorded_parts(mount: Mount, variant: str, celsius: float, hpa: float, data: str | None) -> None:
    """elixir-sensors/bmp3xx calibration_test.exs; asasine/bmp390 measure.rs, which has single precision."""
    chip = Bmp3xx(mount(variant, temperature=celsius, pressure=hpa))
    chip.write(b"\x1b\x13", 0.0)
    answer = registers(chip, 0x04, 6, 0.1)
    if data is not None:
        assert answer == data
    else:
        assert int.from_bytes(bytes.fromhex(answer)[:3], "little") == pytest.approx(0x6BB3CB, abs=2)
        assert int.from_bytes(bytes.fromhex(answer)[3:], "little") == pytest.approx(0x82BAD1, abs=1)


@pytest.mark.parametrize(("variant", "identity"), [("bmp384", "50"), ("bmp388", "50"), ("bmp390", "60")])
def test_identity(mount: Mount, variant: str, identity: str) -> None:
    assert registers(Bmp3xx(mount(variant, temperature=20.0, pressure=1000.0)), 0x00, 1, 0.0) == identity


def test_before_the_first_measurement_data_is_800000(mount: Mount) -> None:
    chip = Bmp3xx(mount("bmp388", temperature=20.0, pressure=1000.0))
    assert registers(chip, 0x03, 7, 0.0) == "10" + "000080" * 2


def test_a_forced_measurement_takes_its_time_says_so_and_goes_back_to_sleep(mount: Mount) -> None:
    chip = Bmp3xx(mount("bmp388", temperature=20.0, pressure=1000.0))
    chip.write(b"\x1b\x13", 1.0)
    assert registers(chip, 0x03, 1, 1.0 + LONGEST_S - 0.0001) == "10"
    assert registers(chip, 0x03, 1, 1.0 + LONGEST_S) == "70"
    assert registers(chip, 0x1B, 1, 1.1) == "03"
    registers(chip, 0x04, 3, 1.1)
    assert registers(chip, 0x03, 1, 1.1) == "50"
    registers(chip, 0x04, 6, 1.1)
    assert registers(chip, 0x03, 1, 1.1) == "10"


def test_what_is_not_enabled_is_not_measured(mount: Mount) -> None:
    chip = Bmp3xx(mount("bmp388", temperature=20.0, pressure=1000.0))
    chip.write(b"\x1b\x12", 0.0)
    assert registers(chip, 0x03, 4, 1.0) == "50000080"


def test_normal_mode_measures_again_and_again(mount: Mount) -> None:
    chip = Bmp3xx(mount("bmp388", temperature=lambda at_s: 20 + at_s, pressure=1000.0))
    chip.write(b"\x1d\x02\x1b\x33", 0.0)
    first = registers(chip, 0x07, 3, 1.0)
    assert registers(chip, 0x07, 3, 5.0) != first


def test_an_output_rate_that_the_samples_do_not_allow_is_refused(mount: Mount) -> None:
    """Bosch's community, "BMP388 OSR oversampling": PWR_CTRL reads 03 then, and the error register 04."""
    chip = Bmp3xx(mount("bmp388", temperature=20.0, pressure=1000.0))
    chip.write(b"\x1c\x01\x1b\x33", 0.0)
    assert (registers(chip, 0x1B, 1, 1.0), registers(chip, 0x02, 1, 1.0)) == ("03", "04")


def test_a_reset_forgets_settings_and_data(mount: Mount) -> None:
    chip = Bmp3xx(mount("bmp388", temperature=20.0, pressure=1000.0))
    chip.write(b"\x1c\x29\x1b\x13", 0.0)
    chip.write(b"\x7e\xb6", 1.0)
    assert registers(chip, 0x03, 1, 1.001) == "00"
    assert registers(chip, 0x1C, 1, 1.002) == "02"
    assert registers(chip, 0x04, 6, 2.0) == "000080" * 2


def test_the_filter_begins_with_the_first_value_and_follows_slowly(mount: Mount) -> None:
    chip = Bmp3xx(mount("bmp388", temperature=lambda at_s: 20.0 if at_s < 1 else 30.0, pressure=1000.0))
    chip.write(b"\x1f\x04", 0.0)
    seen = []
    for at_s in (0.0, 1.0, 2.0):
        chip.write(b"\x1b\x13", at_s)
        count = int.from_bytes(bytes.fromhex(registers(chip, 0x07, 3, at_s + 0.5)), "little")
        seen.append(bosch3.celsius_of(bosch3.BMP388, count))
    assert seen == pytest.approx([20.0, 22.5, 24.375], abs=0.05)


@pytest.mark.parametrize("part", [bosch3.BMP388, bosch3.BMP390])
@given(celsius=st.floats(-40, 85), pascal=st.floats(30_000, 125_000))
def test_inversion_is_exact_to_a_count(part: bosch3.Part, celsius: float, pascal: float) -> None:
    temperature, pressure = bosch3.counts_of(part, celsius, pascal)
    shown = bosch3.celsius_of(part, temperature)
    assert shown == pytest.approx(celsius, abs=0.0001)
    assert bosch3.pascal_of(part, pressure, shown) == pytest.approx(pascal, abs=0.05)
