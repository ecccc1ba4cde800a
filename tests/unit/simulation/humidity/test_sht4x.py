from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.humidity.sht4x import Sht4x
from sensor_gateway.simulation.chips.sensirion import words_with_crc

Mount = Callable[..., Mounting]

RECORDED = bytes.fromhex("63369a5a7c0d")
"""An answer of a real SHT4x, from the tests of periph.io's driver."""


def test_words_carry_the_crc_of_a_real_chip() -> None:
    assert words_with_crc(0x6336, 0x5A7C) == RECORDED


def test_the_values_of_a_recorded_answer_give_that_answer(mount: Mount) -> None:
    chip = Sht4x(mount("sht4x", temperature=-45 + 175 * 0x6336 / 65535, humidity=-6 + 125 * 0x5A7C / 65535))
    chip.write(b"\xfd", 0.0)
    assert chip.read(6, 0.01) == RECORDED


@pytest.mark.parametrize(("command", "slowest_s"), [(0xFD, 0.0083), (0xF6, 0.0045), (0xE0, 0.0016)])
def test_a_chip_that_measures_does_not_acknowledge(mount: Mount, command: int, slowest_s: float) -> None:
    chip = Sht4x(mount("sht4x", temperature=20.0, humidity=50.0))
    chip.write(bytes((command,)), 1.0)
    with pytest.raises(Nack):
        chip.read(6, 1.0 + slowest_s - 0.0002)
    with pytest.raises(Nack):
        chip.write(b"\x94", 1.0)
    assert len(chip.read(6, 1.0 + slowest_s)) == 6


def test_an_answer_is_read_once(mount: Mount) -> None:
    chip = Sht4x(mount("sht4x", temperature=20.0, humidity=50.0))
    chip.write(b"\xfd", 0.0)
    chip.read(6, 1.0)
    with pytest.raises(Nack):
        chip.read(6, 1.0)


def test_an_idle_chip_has_nothing_to_say(mount: Mount) -> None:
    with pytest.raises(Nack):
        Sht4x(mount("sht4x", temperature=20.0, humidity=50.0)).read(6, 0.0)


def test_the_serial_number_is_the_same_each_time_and_has_good_crcs(mount: Mount) -> None:
    chip = Sht4x(mount("sht4x", temperature=20.0, humidity=50.0))
    chip.write(b"\x89", 0.0)
    first = chip.read(6, 0.0)
    chip.write(b"\x89", 1.0)
    assert chip.read(6, 1.0) == first
    assert first == words_with_crc(int.from_bytes(first[:2], "big"), int.from_bytes(first[3:5], "big"))


def test_a_reset_takes_a_millisecond_and_drops_the_answer(mount: Mount) -> None:
    chip = Sht4x(mount("sht4x", temperature=20.0, humidity=50.0))
    chip.write(b"\x89", 0.0)
    chip.write(b"\x94", 0.0)
    with pytest.raises(Nack):
        chip.write(b"\xfd", 0.0009)
    chip.write(b"\xfd", 0.001)
    assert len(chip.read(6, 0.1)) == 6


def test_humidity_beyond_the_scale_saturates(mount: Mount) -> None:
    chip = Sht4x(mount("sht4x", temperature=500.0, humidity=-40.0))
    chip.write(b"\xfd", 0.0)
    answer = chip.read(6, 0.1)
    assert answer[:2] == b"\xff\xff"
    assert answer[3:5] == b"\x00\x00"
