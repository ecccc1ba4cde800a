from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.humidity.si7021 import PARTS, Si7021

Mount = Callable[..., Mounting]

T, H = bytes.fromhex("664c4f"), bytes.fromhex("a1a651")
"""Answers of a real Si7021, from the tests of johkra/si7021_hal."""


def make(mount: Mount, variant: str) -> Si7021:
    return Si7021(mount(variant, temperature=175.72 * 0x664D / 65536 - 46.85, humidity=125 * 0xA1A5 / 65536 - 6))


def test_the_values_of_a_recorded_answer_give_that_answer_up_to_the_last_bits(mount: Mount) -> None:
    chip = make(mount, "si7021")
    chip.write(b"\xf3", 0.0)
    assert chip.read(3, 1.0) == T
    chip.write(b"\xf5", 1.0)
    answer = chip.read(3, 2.0)
    assert int.from_bytes(answer[:2], "big") == 0xA1A2  # 12 bits, and the status


@pytest.mark.parametrize("variant", PARTS)
@pytest.mark.parametrize("command", [0xF3, 0xF5])
def test_a_chip_that_measures_does_not_acknowledge(mount: Mount, variant: str, command: int) -> None:
    chip = make(mount, variant)
    slowest_s = {0xF3: PARTS[variant].temperature_s, 0xF5: PARTS[variant].humidity_s}[command]
    chip.write(bytes((command,)), 1.0)
    with pytest.raises(Nack):
        chip.read(3, 1.0 + slowest_s - 0.0002)
    with pytest.raises(Nack):
        chip.write(b"\xe7", 1.0)
    assert len(chip.read(3, 1.0 + slowest_s)) == 3


def test_holding_the_clock_the_read_itself_waits(mount: Mount) -> None:
    chip = make(mount, "htu21d")
    chip.write(b"\xe3", 0.0)
    assert chip.read(3, 0.0) == T
    chip.write(b"\xe5", 0.0)
    assert chip.read(3, 0.0)[0] == H[0]


def test_an_answer_is_read_once(mount: Mount) -> None:
    chip = make(mount, "sht21")
    chip.write(b"\xf3", 0.0)
    chip.read(3, 1.0)
    with pytest.raises(Nack):
        chip.read(3, 1.0)


def test_fewer_bits_are_coarser(mount: Mount) -> None:
    chip = make(mount, "sht21")
    chip.write(b"\xe6\x3b", 0.0)
    chip.write(b"\xf5", 0.0)
    assert chip.read(2, 1.0) == b"\xa1\x02"
    chip.write(b"\xf3", 1.0)
    assert chip.read(2, 2.0) == b"\x66\x40"


@pytest.mark.parametrize(("variant", "after"), [("si7021", 0x3A), ("htu21d", 0x06), ("sht25", 0x3E)])
def test_a_reset_restores_the_user_register_and_some_keep_the_heater_on(mount: Mount, variant: str, after: int) -> None:
    chip = make(mount, variant)
    chip.write(b"\xe6\x87", 0.0)
    chip.write(b"\xfe", 0.0)
    with pytest.raises(Nack):
        chip.write(b"\xe7", 0.0149)
    chip.write(b"\xe7", 0.015)
    assert chip.read(1, 0.015) == bytes((after,))


def test_the_heater_warms_what_is_measured(mount: Mount) -> None:
    chip = make(mount, "htu21d")
    chip.write(b"\xe6\x06", 0.0)
    chip.write(b"\xf3", 0.0)
    assert int.from_bytes(chip.read(2, 1.0), "big") > 0x664C + 400


def test_an_si7021_tells_who_it_is(mount: Mount) -> None:
    """Bytes of a real one, from the tests of johkra/si7021_hal."""
    chip = make(mount, "si7021")
    chip.write(b"\xfa\x0f", 0.0)
    assert chip.read(8, 0.0) == bytes.fromhex("84be2c5bf99eb1a8")
    chip.write(b"\xfc\xc9", 0.0)
    assert chip.read(6, 0.0) == bytes.fromhex("15ffb5ffffcb")
    chip.write(b"\x84\xb8", 0.0)
    assert chip.read(1, 0.0) == b"\x20"


def test_an_si7021_has_a_heater_level_and_keeps_the_temperature_of_a_humidity_measurement(mount: Mount) -> None:
    chip = make(mount, "si7021")
    chip.write(b"\x51\x04", 0.0)
    chip.write(b"\x11", 0.0)
    assert chip.read(1, 0.0) == b"\x04"
    chip.write(b"\xf5", 0.0)
    chip.read(3, 1.0)
    chip.write(b"\xe0", 1.0)
    assert chip.read(2, 1.0) == T[:2]


@pytest.mark.parametrize("command", [b"\xfc\xc9", b"\xe0", b"\x11", b"\x00"])
def test_the_others_refuse_what_only_an_si7021_knows(mount: Mount, command: bytes) -> None:
    chip = make(mount, "htu21d")
    with pytest.raises(Nack):
        chip.write(command, 0.0)
    chip.write(b"", 0.0)


def test_a_chip_that_just_got_its_power_is_not_there_yet(mount: Mount) -> None:
    chip = Si7021(mount("si7021", temperature=20.0, humidity=50.0, powered_s=1.0))
    with pytest.raises(Nack):
        chip.write(b"\xf3", 1.079)
    chip.write(b"\xf3", 1.08)
