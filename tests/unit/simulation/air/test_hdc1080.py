from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.air.hdc1080 import Hdc1080
from sensor_gateway.simulation.chips.chip import Mounting

Mount = Callable[..., Mounting]

LONGEST_S = 1.2 * (0.00635 + 0.00650)


def register(chip: Hdc1080, pointer: int, now_s: float) -> str:
    chip.write(bytes((pointer,)), now_s)
    return chip.read(2, now_s).hex()


def test_identity(mount: Mount) -> None:
    chip = Hdc1080(mount("hdc1080", temperature=20.0, humidity=50.0))
    assert (register(chip, 0xFE, 0.0), register(chip, 0xFF, 0.0)) == ("5449", "1050")
    assert register(Hdc1080(mount("hdc1008", temperature=20.0, humidity=50.0)), 0xFF, 0.0) == "1000"


def test_after_power_on_both_are_measured_in_sequence(mount: Mount) -> None:
    """The words of LawrenceStanton/HDC1080's tests: 1234 is -28.26751 °C and 7.1105957 %."""
    chip = Hdc1080(mount("hdc1080", temperature=-28.26751, humidity=7.1105957))
    assert register(chip, 0x02, 0.0) == "1000"
    assert chip.read(2, 0.0).hex() == "1000"
    chip.write(b"\x00", 1.0)
    with pytest.raises(Nack):
        chip.read(4, 1.0 + LONGEST_S - 0.0001)
    assert chip.read(4, 1.0 + LONGEST_S).hex() == "12341234"


def test_results_are_0_before_the_first_measurement(mount: Mount) -> None:
    chip = Hdc1080(mount("hdc1080", temperature=20.0, humidity=50.0))
    assert chip.read(4, 0.0) == b"\x00\x00\x00\x00"


def test_in_the_first_15_ms_nothing_is_measured(mount: Mount) -> None:
    chip = Hdc1080(mount("hdc1080", temperature=20.0, humidity=50.0, powered_s=0.0))
    chip.write(b"\x00", 0.01)
    assert chip.read(4, 0.1) == b"\x00\x00\x00\x00"


def test_without_mode_one_value_is_measured(mount: Mount) -> None:
    chip = Hdc1080(mount("hdc1080", temperature=42.5, humidity=50.0))
    chip.write(b"\x02\x00\x00", 0.0)
    assert register_after(chip, 0x00, 0.008) == "8000"
    assert chip.read(4, 1.0).hex() == "80000000"
    assert register_after(chip, 0x01, 0.008) == "8000"


def register_after(chip: Hdc1080, pointer: int, seconds: float) -> str:
    chip.write(bytes((pointer,)), 1.0)
    return chip.read(2, 1.0 + seconds).hex()


def test_fewer_bits_are_faster_and_coarser(mount: Mount) -> None:
    chip = Hdc1080(mount("hdc1080", temperature=20.0, humidity=33.3))
    chip.write(b"\x02\x16\x00", 0.0)
    chip.write(b"\x00", 1.0)
    word_t, word_h = (int(chip.read(4, 1.0075).hex()[at : at + 4], 16) for at in (0, 4))
    assert word_t & 0x1F == 0
    assert word_h & 0xFF == 0
    assert word_h >> 8 == round(0.333 * 256)


def test_a_reset_is_a_power_on(mount: Mount) -> None:
    chip = Hdc1080(mount("hdc1080", temperature=20.0, humidity=50.0))
    chip.write(b"\x00", 0.0)
    chip.write(b"\x02\x80\x00", 1.0)
    assert register(chip, 0x02, 1.1) == "1000"
    chip.write(b"\x02\x00\x00", 1.2)
    chip.write(b"\x00", 1.2)
    assert chip.read(4, 1.3).hex()[4:] == "0000"
