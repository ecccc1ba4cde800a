from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.model.errors import OverRange
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.light.apds9960 import Apds9960

Mount = Callable[..., Mounting]
LIGHT = {"clear": 3000.0, "red": 1000.0, "green": 1500.0, "blue": 500.0}


def read(chip: Apds9960, register: int, count: int, now_s: float) -> bytes:
    chip.write(bytes((register,)), now_s)
    return chip.read(count, now_s)


def measuring(chip: Apds9960, *, atime: int, gain: int, now_s: float = 0.0) -> Apds9960:
    for command in (b"\x80\x00", bytes((0x81, atime)), bytes((0x8F, gain)), b"\x80\x03"):
        chip.write(command, now_s)
    return chip


def test_registers_after_power_on(mount: Mount) -> None:
    chip = Apds9960(mount("apds9960", **LIGHT))
    assert [read(chip, register, 1, 9.0).hex() for register in (0x80, 0x81, 0x92, 0x93)] == ["00", "ff", "ab", "04"]


def test_words_are_clear_red_green_blue_low_byte_first(mount: Mount) -> None:
    chip = measuring(Apds9960(mount("apds9960", **LIGHT)), atime=256 - 37, gain=1)
    assert read(chip, 0x94, 8, 1.0) == b"".join(int(LIGHT[name]).to_bytes(2, "little") for name in LIGHT)


def test_avalid_comes_with_the_end_of_a_cycle_and_goes_with_reading(mount: Mount) -> None:
    chip = measuring(Apds9960(mount("apds9960", **LIGHT)), atime=256 - 10, gain=1)
    assert [read(chip, 0x93, 1, now_s).hex() for now_s in (0.037, 0.0376)] == ["04", "05"]
    read(chip, 0x94, 8, 0.0376)
    assert [read(chip, 0x93, 1, now_s).hex() for now_s in (0.0376, 0.0682)] == ["04", "05"]


@pytest.mark.parametrize(("cycles", "most"), [(1, 1025), (10, 10_241), (37, 37_889), (64, 65_535)])
def test_saturation_ends_the_counts_and_is_told_until_it_is_cleared(mount: Mount, cycles: int, most: int) -> None:
    """Maximum counts of the datasheet's ALS Integration Time register."""
    chip = measuring(Apds9960(mount("apds9960", **LIGHT | {"clear": 1e6})), atime=256 - cycles, gain=3)
    assert int.from_bytes(read(chip, 0x94, 2, 0.5), "little") == most
    assert read(chip, 0x93, 1, 0.5)[0] & 0x80
    chip.write(b"\x80\x01", 0.5)
    assert not read(chip, 0x93, 1, 0.5)[0] & 0x80


@pytest.mark.parametrize(
    ("gain", "integration", "scale"), [(1, "28ms", 10 / 148), (4, "103ms", 1), (64, "28ms", 640 / 148)]
)
def test_all_channels_are_read_and_a_loss_of_power_does_not_matter(
    bench: Callable[..., Any], gain: int, integration: str, scale: float
) -> None:
    under = bench("apds9960", gain=gain, integration=integration)
    under.levels = dict(LIGHT) | {"clear": 2000.0}
    under.cut_power()
    assert under.measure() == {name: pytest.approx(level * scale, abs=0.51) for name, level in under.levels.items()}


def test_after_saturation_it_measures_again(bench: Callable[..., Any]) -> None:
    under = bench("apds9960")
    under.levels = dict.fromkeys(LIGHT, 50_000.0)
    with pytest.raises(OverRange):
        under.measure()
    under.levels = dict(LIGHT)
    assert under.measure() == LIGHT
