from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.simulation.chips.air import bosch68
from sensor_gateway.simulation.chips.air.bme680 import Bme680
from sensor_gateway.simulation.chips.chip import Mounting

Mount = Callable[..., Mounting]

ROOM = {"temperature": 20.0, "pressure": 1000.0, "humidity": 50.0, "gas_resistance": 50_000.0}
HEATED = b"\x5a\x74\x64\x66\x70\x00\x71\x10\x72\x01"
FORCE = b"\x74\x25"
LONGEST_S = ((3 * 1963 + 477 * 9 + 1000) * 1e-6 + 0.152) * 13 / 12


def registers(chip: Bme680, pointer: int, count: int, now_s: float) -> bytes:
    chip.write(bytes((pointer,)), now_s)
    return chip.read(count, now_s)


def measured(chip: Bme680, at_s: float = 0.0) -> bytes:
    chip.write(HEATED + FORCE, at_s)
    return registers(chip, 0x1D, 17, at_s + 1)


def test_a_recorded_part(mount: Mount) -> None:
    """Counts and values of periph's bme68x/bme680_test.go, TestCompensations; its integers are some 7 Pa lower."""
    chip = Bme680(mount("bme680", **{**ROOM, "temperature": 20.70, "pressure": 1015.196, "humidity": 67.561}))
    field = measured(chip)
    assert int.from_bytes(field[5:8], "big") >> 4 == pytest.approx(480355, abs=100)
    assert int.from_bytes(field[2:5], "big") >> 4 == pytest.approx(291843, abs=20)
    assert int.from_bytes(field[8:10], "big") == pytest.approx(24615, abs=10)


@pytest.mark.parametrize(
    ("place", "count", "recorded"),
    [
        (0x8A, 23, "b5 65 03 f0 d1 8e 75 d7 58 00 9f 26 08 ff 26 1e 00 00 6a f7 24 f5 1e"),
        (0xE1, 14, "3f 5b 2f 00 2d 14 78 9c fe 64 51 d3 ba 12"),
        (0x00, 5, "36 aa 16 49 13"),
    ],
)
def test_trimming_data_stands_where_periph_read_it(mount: Mount, place: int, count: int, recorded: str) -> None:
    assert registers(Bme680(mount("bme680", **ROOM)), place, count, 0.0).hex(" ") == recorded


@pytest.mark.parametrize(("variant", "variant_id"), [("bme680", b"\x00"), ("bme688", b"\x01")])
def test_identity(mount: Mount, variant: str, variant_id: bytes) -> None:
    chip = Bme680(mount(variant, **ROOM))
    assert registers(chip, 0xD0, 1, 0.0) == b"\x61"
    assert registers(chip, 0xF0, 1, 0.0) == variant_id


def test_before_the_first_measurement_all_reads_as_skipped(mount: Mount) -> None:
    assert registers(Bme680(mount("bme680", **ROOM)), 0x1D, 10, 0.0).hex() == "00008000008000008000"


def test_a_forced_measurement_takes_its_time_says_so_and_goes_back_to_sleep(mount: Mount) -> None:
    chip = Bme680(mount("bme680", **ROOM))
    chip.write(HEATED + FORCE, 1.0)
    assert registers(chip, 0x1D, 1, 1.0 + LONGEST_S - 0.0001) == b"\x60"
    assert registers(chip, 0x1D, 1, 1.0 + LONGEST_S) == b"\x80"
    assert registers(chip, 0x74, 1, 1.3) == b"\x24"


def test_what_is_not_sampled_reads_as_skipped(mount: Mount) -> None:
    chip = Bme680(mount("bme680", **ROOM))
    chip.write(b"\x74\x21", 0.0)
    field = registers(chip, 0x1D, 17, 1.0)
    assert field[2:5].hex() == "800000"
    assert field[5:8].hex() != "800000"
    assert field[8:10].hex() == "8000"
    assert field[13:15].hex() == "0000"


@pytest.mark.parametrize(("variant", "place"), [("bme680", 13), ("bme688", 15)])
def test_gas_stands_where_the_part_has_it(mount: Mount, variant: str, place: int) -> None:
    chip = Bme680(mount(variant, **ROOM))
    run_gas = b"\x71\x10" if variant == "bme680" else b"\x71\x20"
    chip.write(HEATED + run_gas + FORCE, 0.0)
    gas = registers(chip, 0x1D, 17, 1.0)[13:]
    assert gas[place - 13 + 1] & 0x30 == 0x30
    assert gas[15 - place : 17 - place] == b"\x00\x00"


@pytest.mark.parametrize(
    "settings",
    [b"\x64\x13", b"\x70\x08", b"\x5a\x20", b"\x5a\xff"],
    ids=["19 ms", "heater off", "too cool", "too hot"],
)
def test_a_heater_without_time_or_target_is_not_stable(mount: Mount, settings: bytes) -> None:
    chip = Bme680(mount("bme680", **ROOM))
    chip.write(HEATED + settings + FORCE, 0.0)
    assert registers(chip, 0x2B, 1, 1.0)[0] & 0x30 == 0x20


def test_the_heater_reaches_what_bosch_s_formula_asks_for() -> None:
    """A setting has steps of some 4 °C."""
    cold = (bosch68.G1 / 16 + 49) * (1 + (bosch68.G2 / 32768 * 0.0005 + 0.00235) * 320) + bosch68.G3 / 1024 * 25
    setting = 3.4 * (cold * 4 / (4 + bosch68.RES_HEAT_RANGE) / (1 + bosch68.RES_HEAT_VAL * 0.002) - 25)
    assert bosch68.heater_celsius(int(setting), 25.0) == pytest.approx(320, abs=4)


def test_a_reset_forgets_settings_and_data(mount: Mount) -> None:
    chip = Bme680(mount("bme680", **ROOM))
    measured(chip)
    chip.write(b"\xe0\xb6", 2.0)
    assert registers(chip, 0x71, 2, 2.0) == b"\x00\x00"
    assert registers(chip, 0x1D, 10, 3.0).hex() == "00008000008000008000"


def test_the_filter_begins_with_the_first_value_and_follows_slowly(mount: Mount) -> None:
    chip = Bme680(mount("bme680", **{**ROOM, "temperature": lambda at_s: 20.0 if at_s < 1 else 30.0}))
    chip.write(b"\x75\x08", 0.0)
    seen = [int.from_bytes(measured(chip, at_s)[5:8], "big") >> 4 for at_s in (0.0, 1.0, 2.0)]
    assert [bosch68.celsius_of(count) for count in seen] == pytest.approx([20.0, 22.5, 24.375], abs=0.05)


@given(celsius=st.floats(-40, 85), pascal=st.floats(30_000, 110_000))
def test_inversion_is_exact_to_a_count(celsius: float, pascal: float) -> None:
    temperature, pressure, _ = bosch68.counts_of(celsius, pascal, 50.0)
    shown = bosch68.celsius_of(temperature)
    assert shown == pytest.approx(celsius, abs=0.0005)
    assert bosch68.pascal_of(pressure, shown) == pytest.approx(pascal, abs=0.2)


@pytest.mark.parametrize("ohm", [200.0, 5_000.0, 50_000.0, 12e6])
def test_gas_is_counted_in_a_range_that_holds_it(ohm: float) -> None:
    count, gas_range = bosch68.gas_low(ohm)
    assert 0 < count < 1023
    assert 0 <= gas_range <= 15
