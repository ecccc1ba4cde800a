from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.simulation.chips import bosch
from sensor_gateway.simulation.chips.bme280 import Bme280
from sensor_gateway.simulation.chips.chip import Mounting

Mount = Callable[..., Mounting]

FORCED_ALL_X1 = b"\xf2\x01\xf4\x25"


def data(chip: Bme280, now_s: float) -> tuple[int, int, int]:
    chip.write(b"\xf7", now_s)
    block = chip.read(8, now_s)
    return (
        int.from_bytes(block[:3], "big") >> 4,
        int.from_bytes(block[3:6], "big") >> 4,
        int.from_bytes(block[6:], "big"),
    )


def status(chip: Bme280, now_s: float) -> int:
    chip.write(b"\xf3", now_s)
    return chip.read(1, now_s)[0]


def test_the_worked_example_of_the_datasheet() -> None:
    """BST-BMP280-DS001, 3.12: adc_T 519888 is 25.08 degrees, adc_P 415148 is 100653.27 Pa."""
    fine = bosch.t_fine(519888)
    assert fine / 5120 == pytest.approx(25.08, abs=0.005)
    assert bosch.pressure_pa(415148, fine) == pytest.approx(100653.27, abs=0.01)


def test_the_worked_example_turned_round(mount: Mount) -> None:
    """Linux's bmp280 driver showed 25080 and 100.653253906 for these counts."""
    chip = Bme280(mount("bmp280", temperature=25.0825, pressure=1006.5327))
    chip.write(b"\xf4\x25", 0.0)
    pressure, temperature, _ = data(chip, 0.1)
    assert temperature == pytest.approx(519888, abs=1)
    assert pressure == pytest.approx(415148, abs=1)


def test_calibration_is_little_endian_and_split_for_humidity(mount: Mount) -> None:
    chip = Bme280(mount("bme280", temperature=20.0, pressure=1000.0, humidity=50.0))
    chip.write(b"\x88", 0.0)
    block = chip.read(26, 0.0)
    assert struct.unpack_from("<Hhh", block) == (27504, 26435, -1000)
    assert struct.unpack_from("<Hhhhhhhhh", block, 6) == (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
    assert block[25] == 75
    chip.write(b"\xe1", 0.0)
    e1, e2, e3, e4, e5, e6, e7 = chip.read(7, 0.0)
    assert e2 << 8 | e1 == 370
    assert e3 == 0
    assert e4 << 4 | e5 & 0x0F == 313
    assert e6 << 4 | e5 >> 4 == 50
    assert e7 == 30


@pytest.mark.parametrize(("variant", "identity"), [("bme280", 0x60), ("bmp280", 0x58)])
def test_identity(mount: Mount, variant: str, identity: int) -> None:
    chip = Bme280(mount(variant, temperature=20.0, pressure=1000.0, humidity=50.0))
    chip.write(b"\xd0", 0.0)
    assert chip.read(1, 0.0) == bytes((identity,))


def test_before_the_first_measurement_all_channels_read_as_skipped(mount: Mount) -> None:
    assert data(Bme280(mount("bme280", temperature=20.0, pressure=1000.0, humidity=50.0)), 0.0) == (
        0x80000,
        0x80000,
        0x8000,
    )


def test_a_forced_measurement_takes_its_time_says_so_and_goes_back_to_sleep(mount: Mount) -> None:
    chip = Bme280(mount("bme280", temperature=20.0, pressure=1000.0, humidity=50.0))
    chip.write(FORCED_ALL_X1, 1.0)
    slowest_s = 0.00125 + 0.0023 + 0.0023 + 0.000575 + 0.0023 + 0.000575
    assert status(chip, 1.0 + slowest_s - 0.0001) == 0x08
    assert data(chip, 1.0 + slowest_s - 0.0001) == (0x80000, 0x80000, 0x8000)
    assert status(chip, 1.0 + slowest_s) == 0
    assert 0x80000 not in data(chip, 1.0 + slowest_s)
    chip.write(b"\xf4", 2.0)
    assert chip.read(1, 2.0)[0] & 0x03 == 0


def test_ctrl_hum_counts_from_the_next_write_of_ctrl_meas(mount: Mount) -> None:
    chip = Bme280(mount("bme280", temperature=20.0, pressure=1000.0, humidity=50.0))
    chip.write(b"\xf4\x25", 0.0)
    chip.write(b"\xf2\x01", 0.0)
    assert data(chip, 0.1)[2] == 0x8000
    chip.write(b"\xf4\x25", 0.2)
    assert data(chip, 0.3)[2] != 0x8000


def test_a_skipped_channel_reads_as_skipped(mount: Mount) -> None:
    chip = Bme280(mount("bme280", temperature=20.0, pressure=1000.0, humidity=50.0))
    chip.write(b"\xf4\x21", 0.0)
    assert data(chip, 0.1)[0] == 0x80000
    assert data(chip, 0.1)[1] != 0x80000


def test_normal_mode_measures_again_and_again(mount: Mount) -> None:
    chip = Bme280(mount("bme280", temperature=lambda at_s: 20 + at_s, pressure=1000.0, humidity=50.0))
    chip.write(b"\xf5\x00\xf4\x27", 0.0)
    first = data(chip, 1.0)
    assert data(chip, 5.0)[1] > first[1]


def test_a_reset_forgets_settings_and_copies_calibration_anew(mount: Mount) -> None:
    chip = Bme280(mount("bme280", temperature=20.0, pressure=1000.0, humidity=50.0))
    chip.write(FORCED_ALL_X1, 0.0)
    chip.write(b"\xe0\xb6", 0.1)
    assert status(chip, 0.101) == 0x01
    assert status(chip, 0.102) == 0
    assert data(chip, 0.2) == (0x80000, 0x80000, 0x8000)


@given(
    celsius=st.floats(-40, 85),
    pascal=st.floats(30_000, 110_000),
    percent=st.floats(0, 100),
)
def test_inversion_is_exact_to_a_count(celsius: float, pascal: float, percent: float) -> None:
    raw = bosch.raw_of(celsius=celsius, pascal=pascal, percent=percent)
    fine = bosch.t_fine(raw.temperature)
    assert fine / 5120 == pytest.approx(celsius, abs=0.0005)
    assert bosch.pressure_pa(raw.pressure, fine) == pytest.approx(pascal, abs=0.2)
    assert bosch.humidity_percent(raw.humidity, fine) == pytest.approx(percent, abs=0.01)


def test_the_filter_begins_with_the_first_value_and_follows_slowly(mount: Mount) -> None:
    chip = Bme280(mount("bme280", temperature=lambda at_s: 20.0 if at_s < 1 else 30.0, pressure=1000.0, humidity=50.0))
    chip.write(b"\xf5\x08", 0.0)
    seen = []
    for at_s in (0.0, 1.0, 2.0):
        chip.write(b"\xf4\x25", at_s)
        seen.append(bosch.t_fine(data(chip, at_s + 0.5)[1]) / 5120)
    assert seen == pytest.approx([20.0, 22.5, 24.375], abs=0.01)
