from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.thermometers.adt7410 import Adt7410

Mount = Callable[..., Mounting]


def registers(chip: Adt7410, pointer: int, count: int, now_s: float) -> str:
    chip.write(bytes((pointer,)), now_s)
    return chip.read(count, now_s).hex()


@pytest.mark.parametrize(
    ("celsius", "bits"),
    [(-55, 0x1C90), (-50, 0x1CE0), (-25, 0x1E70), (-0.0625, 0x1FFF), (0, 0), (25, 0x190), (125, 0x7D0), (150, 0x960)],
)
def test_thirteen_bits_as_table_5_has_them(mount: Mount, celsius: float, bits: int) -> None:
    assert int(registers(Adt7410(mount("adt7410", temperature=float(celsius))), 0, 2, 0.0), 16) >> 3 == bits


def test_power_on_defaults_as_table_6_has_them(mount: Mount) -> None:
    chip = Adt7410(mount("adt7410", temperature=20.0, powered_s=0.0))
    assert registers(chip, 0, 12, 0.0) == "000000002000050049 80 05 cb".replace(" ", "")


def test_flags_stand_in_the_last_three_bits_of_thirteen(mount: Mount) -> None:
    assert registers(Adt7410(mount("adt7410", temperature=150.0)), 0, 2, 0.0) == "4b06"
    assert registers(Adt7410(mount("adt7410", temperature=65.0)), 0, 2, 0.0) == "2082"
    assert registers(Adt7410(mount("adt7410", temperature=9.0)), 0, 2, 0.0) == "0481"
    assert registers(Adt7410(mount("adt7410", temperature=20.0)), 0, 2, 0.0) == "0a00"


def test_the_first_value_is_fast_and_rough(mount: Mount) -> None:
    chip = Adt7410(mount("adt7410", temperature=20.0, powered_s=0.0))
    assert registers(chip, 0, 2, 0.005) == "0000"
    assert registers(chip, 0, 2, 0.006) == "0b80"
    assert registers(chip, 0, 2, 0.246) == "0a00"


def test_a_one_shot_takes_240_ms_and_tells_when_it_is_done(mount: Mount) -> None:
    chip = Adt7410(mount("adt7410", temperature=-0.0078125))
    assert registers(chip, 2, 1, 0.0) == "00"
    chip.write(b"\x03\xa0", 1.0)
    assert registers(chip, 2, 1, 1.239) == "80"
    assert registers(chip, 2, 1, 1.24) == "00"
    assert registers(chip, 0, 2, 1.24) == "ffff"
    assert registers(chip, 2, 1, 1.24) == "80"
    assert registers(chip, 2, 1, 9.0) == "80"


def test_one_per_second(mount: Mount) -> None:
    chip = Adt7410(mount("adt7410", temperature=lambda at_s: round(20 + at_s)))
    chip.write(b"\x03\xc0", 0.0)
    assert registers(chip, 0, 2, 0.06) == "0a00"
    assert registers(chip, 0, 2, 2.0) == "0a80"
    assert registers(chip, 0, 2, 2.06) == "0b00"


def test_a_software_reset_is_a_power_on(mount: Mount) -> None:
    chip = Adt7410(mount("adt7410", temperature=20.0))
    chip.write(b"\x03\xe0", 0.0)
    chip.write(b"\x2f", 1.0)
    assert registers(chip, 3, 1, 1.0) == "00"
    assert registers(chip, 0, 2, 1.0) == "0000"
