from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.humidity.aht20 import Aht20

Mount = Callable[..., Mounting]

NUMBERS = bytes.fromhex("7552058e40")
"""45.82824 % and 19.4458 °C, from the tests of periph.io's driver."""


def make(mount: Mount, variant: str, **others: float) -> Aht20:
    values = {"humidity": 0x75520 / 0x100000 * 100, "temperature": 0x58E40 / 0x100000 * 200 - 50} | others
    return Aht20(mount(variant, **values))


def test_the_values_of_a_recorded_answer_give_that_answer(mount: Mount) -> None:
    chip = make(mount, "aht20")
    chip.write(b"\xac\x33\x00", 0.0)
    assert chip.read(7, 0.08) == b"\x18" + NUMBERS + b"\x7f"
    assert chip.read(6, 0.5) == b"\x18" + NUMBERS


def test_an_old_part_has_no_checksum_and_wants_to_be_initialized(mount: Mount) -> None:
    chip = make(mount, "aht10")
    assert chip.read(1, 0.0) == b"\x10"
    chip.write(b"\xe1\x08\x00", 0.0)
    assert chip.read(1, 0.005) == b"\x98"
    assert chip.read(1, 0.01) == b"\x18"
    chip.write(b"\xac\x33\x00", 1.0)
    assert chip.read(7, 2.0) == b"\x18" + NUMBERS + b"\xff"


def test_a_chip_that_measures_answers_busy_with_its_old_data(mount: Mount) -> None:
    chip = make(mount, "aht20")
    chip.write(b"\xac\x33\x00", 1.0)
    assert chip.read(6, 1.0799) == b"\x98" + bytes(5)
    assert chip.read(6, 1.08) == b"\x18" + NUMBERS


@pytest.mark.parametrize(("variant", "unknown"), [("aht20", 0xE1), ("dht20", 0xE1), ("aht10", 0xBE), ("aht15", 0x71)])
def test_a_part_refuses_the_commands_of_the_others(mount: Mount, variant: str, unknown: int) -> None:
    with pytest.raises(Nack):
        make(mount, variant).write(bytes((unknown, 0x08, 0x00)), 0.0)


def test_the_status_has_a_command_of_its_own(mount: Mount) -> None:
    chip = make(mount, "aht21")
    chip.write(b"\x71", 0.0)
    assert chip.read(1, 0.0) == b"\x18"
    chip.write(b"\xbe\x08\x00", 1.0)
    assert chip.read(1, 1.0) == b"\x98"


def test_a_reset_takes_20_ms_and_forgets_calibration_and_data(mount: Mount) -> None:
    chip = make(mount, "aht10")
    chip.write(b"\xe1\x08\x00", 0.0)
    chip.write(b"\xac\x33\x00", 1.0)
    chip.write(b"\xba", 2.0)
    with pytest.raises(Nack):
        chip.read(1, 2.0199)
    with pytest.raises(Nack):
        chip.write(b"\xac\x33\x00", 2.0199)
    assert chip.read(6, 2.02) == b"\x10" + bytes(5)


def test_a_chip_that_just_got_its_power_is_not_there_yet(mount: Mount) -> None:
    chip = Aht20(mount("aht20", temperature=20.0, humidity=50.0, powered_s=1.0))
    with pytest.raises(Nack):
        chip.read(1, 1.039)
    assert chip.read(1, 1.04) == b"\x18"


def test_what_is_beyond_the_scale_saturates(mount: Mount) -> None:
    chip = make(mount, "aht20", temperature=500.0, humidity=-3.0)
    chip.write(b"\xac\x33\x00", 0.0)
    assert chip.read(6, 1.0)[1:] == b"\x00\x00\x0f\xff\xff"
    chip.write(b"", 1.0)
