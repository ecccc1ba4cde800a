from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.model.errors import NotReady
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.light.tsl2561 import INFRARED, Tsl2561

Mount = Callable[..., Mounting]


def byte(chip: Tsl2561, register: int, now_s: float) -> int:
    chip.write(bytes((0x80 | register,)), now_s)
    return chip.read(1, now_s)[0]


def channel(chip: Tsl2561, register: int, now_s: float) -> int:
    chip.write(bytes((0xA0 | register,)), now_s)
    return int.from_bytes(chip.read(2, now_s), "little")


def integrating(chip: Tsl2561, timing: int, now_s: float = 0.0) -> Tsl2561:
    chip.write(bytes((0x81, timing)), now_s)
    chip.write(b"\x80\x03", now_s)
    return chip


def test_it_powers_up_powered_down_and_tells_its_id(mount: Mount) -> None:
    chip = Tsl2561(mount("tsl2561", illuminance=100.0))
    assert [byte(chip, register, 9.0) for register in (0, 1, 0xA, 0xC)] == [0x00, 0x02, 0x50, 0x00]
    integrating(chip, 0x02)
    assert byte(chip, 0, 0.0) == 0x03


@pytest.mark.parametrize(("timing", "time_s"), [(0x10, 0.01464), (0x11, 0.10777), (0x12, 0.4284)])
def test_counts_come_with_the_end_of_the_integration(mount: Mount, timing: int, time_s: float) -> None:
    chip = integrating(Tsl2561(mount("tsl2561", illuminance=100.0)), timing)
    assert channel(chip, 0xC, time_s - 0.001) == 0
    assert channel(chip, 0xC, time_s) > 0


def test_counts_follow_gain_and_time(mount: Mount) -> None:
    chip = Tsl2561(mount("tsl2561", illuminance=500.0))
    longest = channel(integrating(chip, 0x12, 0.0), 0xC, 1.0)
    assert channel(integrating(chip, 0x11, 1.0), 0xC, 2.0) == pytest.approx(longest * 81 / 322, abs=1)
    assert channel(integrating(chip, 0x10, 2.0), 0xC, 3.0) == pytest.approx(longest * 11 / 322, abs=1)
    assert channel(integrating(chip, 0x02, 3.0), 0xC, 4.0) == pytest.approx(longest / 16, abs=1)
    assert channel(chip, 0xE, 4.0) == pytest.approx(longest / 16 * INFRARED, abs=1)


@pytest.mark.parametrize(("timing", "most"), [(0x10, 5047), (0x11, 37_177), (0x12, 65_535)])
def test_the_converter_ends_as_the_datasheet_says(mount: Mount, timing: int, most: int) -> None:
    chip = integrating(Tsl2561(mount("tsl2561", illuminance=100_000.0)), timing)
    assert channel(chip, 0xC, 1.0) == most


def test_a_chip_in_a_cs_package_is_read_too(bench: Callable[..., Any]) -> None:
    under = bench("tsl2561", package="cs", level=1234.0)
    assert under.measure()["illuminance"] == pytest.approx(1234, rel=0.001)


def test_a_chip_that_lost_power_does_not_report_darkness(bench: Callable[..., Any]) -> None:
    under = bench("tsl2561")
    under.cut_power()
    with pytest.raises(NotReady, match="lost power"):
        under.measure()
