from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.model.errors import NotReady
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.light.max44009 import Max44009

Mount = Callable[..., Mounting]


def register(chip: Max44009, pointer: int, now_s: float) -> int:
    chip.write(bytes((pointer,)), now_s)
    return chip.read(1, now_s)[0]


def lux_registers(chip: Max44009, now_s: float) -> tuple[int, int]:
    return register(chip, 3, now_s), register(chip, 4, now_s)


def test_registers_after_power_on(mount: Mount) -> None:
    chip = Max44009(mount("max44009", illuminance=100.0, powered_s=0.0))
    assert [register(chip, pointer, 0.0) for pointer in range(8)] == [0, 0, 3, 0, 0, 0xFF, 0, 0xFF]


@pytest.mark.parametrize(
    ("lux", "high", "low"),
    [(0.045, 0x00, 0x1), (0.72, 0x01, 0x0), (188_006.0, 0xEF, 0xF), (187_269.0, 0xEF, 0xE), (0.0, 0x00, 0x0)],
)
def test_codes_of_the_datasheet(mount: Mount, lux: float, high: int, low: int) -> None:
    assert lux_registers(Max44009(mount("max44009", illuminance=lux)), 0.0) == (high, low)


def test_a_measurement_stands_for_800_ms(mount: Mount) -> None:
    chip = Max44009(mount("max44009", illuminance=0.045, powered_s=0.0))
    assert [lux_registers(chip, now_s)[1] for now_s in (0.799, 0.8)] == [0, 1]


def test_the_pointer_does_not_count_on(mount: Mount) -> None:
    """On a real chip both bytes were the same (RobTillaart/Arduino, issue 105: 4D4D)."""
    chip = Max44009(mount("max44009", illuminance=0.045 * 16 * 0xD2))
    chip.write(b"\x03", 0.0)
    assert chip.read(2, 0.0) == b"\x4d\x4d"


@pytest.mark.parametrize(
    ("configuration", "lux_max"), [(0x40, 2938), (0x41, 5875), (0x43, 23_501), (0x48, 23_501), (0x4A, 94_003)]
)
def test_manual_mode_ends_where_table_9_says(mount: Mount, configuration: int, lux_max: float) -> None:
    chip = Max44009(mount("max44009", illuminance=lambda at_s: lux_max * (0.999 if at_s < 1 else 1.01)))
    chip.write(bytes((2, configuration)), 0.0)
    assert lux_registers(chip, 0.9)[0] < 0xF0
    assert lux_registers(chip, 2.0)[0] >= 0xF0


def test_a_chip_that_lost_power_does_not_report_darkness(bench: Callable[..., Any]) -> None:
    under = bench("max44009")
    under.cut_power(now=True)
    with pytest.raises(NotReady, match="lost power"):
        under.measure()
    under.now_s += 1
    assert under.measure()["illuminance"] == pytest.approx(300, rel=0.01)
