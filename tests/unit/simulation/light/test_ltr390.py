from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.light.ltr390 import Ltr390

Mount = Callable[..., Mounting]


def read(chip: Ltr390, register: int, count: int, now_s: float) -> int:
    chip.write(bytes((register,)), now_s)
    return int.from_bytes(chip.read(count, now_s), "little")


def enabled(chip: Ltr390, *, mode: int, rate: int, gain: int, now_s: float = 0.0) -> Ltr390:
    for command in (b"\x00\x00", bytes((0x04, rate)), bytes((0x05, gain)), bytes((0x00, mode))):
        chip.write(command, now_s)
    return chip


def test_registers_after_power_on(mount: Mount) -> None:
    chip = Ltr390(mount("ltr390", illuminance=1.0, uv_index=1.0))
    assert [read(chip, register, 1, 9.0) for register in (0, 4, 5, 6, 7, 7)] == [0, 0x22, 0x01, 0xB2, 0x20, 0x00]


@pytest.mark.parametrize(
    ("lux", "counts"),
    [(204.0, 255), (26_292.0, 0x8061)],
)
def test_light_counts_as_in_others_tests(mount: Mount, lux: float, counts: int) -> None:
    """MadDrivers' LTR390Tests, at gain 3 and 16 bits."""
    chip = enabled(Ltr390(mount("ltr390", illuminance=lux, uv_index=0.0)), mode=0x02, rate=0x40, gain=1)
    assert read(chip, 0x0D, 3, 1.0) == counts


def test_ultraviolet_counts_2300_per_index(mount: Mount) -> None:
    chip = enabled(Ltr390(mount("ltr390", illuminance=0.0, uv_index=5.86)), mode=0x0A, rate=0x00, gain=4)
    assert read(chip, 0x10, 3, 1.0) == 13_478
    assert read(chip, 0x0D, 3, 1.0) == 0


def test_new_data_is_told_once_and_comes_when_the_conversion_has_ended(mount: Mount) -> None:
    chip = enabled(Ltr390(mount("ltr390", illuminance=100.0, uv_index=0.0)), mode=0x02, rate=0x20, gain=0)
    assert read(chip, 7, 1, 0.129) == 0x20
    assert [read(chip, 7, 1, 0.13) for _ in range(2)] == [0x08, 0x00]
    assert read(chip, 7, 1, 0.26) == 0x08


@pytest.mark.parametrize(("rate", "most"), [(0x00, 0xFFFFF), (0x20, 0x3FFFF), (0x40, 0xFFFF)])
def test_the_converter_ends_with_its_resolution(mount: Mount, rate: int, most: int) -> None:
    chip = enabled(Ltr390(mount("ltr390", illuminance=1e6, uv_index=0.0)), mode=0x02, rate=rate, gain=4)
    assert read(chip, 0x0D, 3, 1.0) == most


def test_a_reset_forgets_everything(mount: Mount) -> None:
    chip = enabled(Ltr390(mount("ltr390", illuminance=1.0, uv_index=0.0)), mode=0x02, rate=0x00, gain=4)
    chip.write(b"\x00\x10", 1.0)
    assert [read(chip, register, 1, 1.0) for register in (0, 4, 5)] == [0, 0x22, 0x01]


def test_both_channels_are_read_and_a_loss_of_power_does_not_matter(bench: Callable[..., Any]) -> None:
    under = bench("ltr390")
    for lux, index in ((0.05, 0.0), (350.0, 0.3), (110_000.0, 11.2)):
        under.levels = {"illuminance": lux, "uv_index": index}
        under.cut_power()
        assert under.measure() == {
            "illuminance": pytest.approx(lux, abs=0.3 if lux > 5000 else 0.005),
            "uv_index": pytest.approx(index, abs=0.0005),
        }
