from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.model.errors import NotReady
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.light import tsl2591
from sensor_gateway.simulation.chips.light.tsl2591 import INFRARED, Tsl2591

Mount = Callable[..., Mounting]


def read(chip: Tsl2591, register: int, count: int, now_s: float) -> bytes:
    chip.write(bytes((0xA0 | register,)), now_s)
    return chip.read(count, now_s)


def channels(chip: Tsl2591, now_s: float) -> tuple[int, int]:
    answer = read(chip, 0x14, 4, now_s)
    return int.from_bytes(answer[:2], "little"), int.from_bytes(answer[2:], "little")


def integrating(chip: Tsl2591, control: int, now_s: float = 0.0) -> Tsl2591:
    for command in (b"\xa0\x01", bytes((0xA1, control)), b"\xa0\x03"):
        chip.write(command, now_s)
    return chip


def test_it_powers_up_asleep_and_tells_its_id(mount: Mount) -> None:
    chip = Tsl2591(mount("tsl2591", illuminance=100.0))
    assert (read(chip, 0, 2, 9.0), read(chip, 0x12, 2, 9.0), channels(chip, 9.0)) == (b"\0\0", b"\x50\0", (0, 0))


@pytest.mark.parametrize(("control", "time_s"), [(0x00, 0.108), (0x02, 0.324), (0x05, 0.648)])
def test_avalid_comes_with_the_end_of_the_first_integration(mount: Mount, control: int, time_s: float) -> None:
    chip = integrating(Tsl2591(mount("tsl2591", illuminance=100.0)), control)
    assert [read(chip, 0x13, 1, now_s)[0] for now_s in (time_s - 0.001, time_s)] == [0, 1]
    integrating(chip, control, 1.0)
    assert read(chip, 0x13, 1, 1.0) == b"\x00"


def test_counts_follow_gain_and_time(mount: Mount) -> None:
    chip = Tsl2591(mount("tsl2591", illuminance=1.0))
    at_25 = channels(integrating(chip, 0x10), 1.0)[0]
    at_428 = channels(integrating(chip, 0x20, 1.0), 2.0)[0]
    at_428_for_600_ms = channels(integrating(chip, 0x25, 2.0), 3.0)[0]
    assert at_428 / at_25 == pytest.approx(428 / 25, rel=0.1)
    assert at_428_for_600_ms / at_428 == pytest.approx(6, rel=0.01)


def test_a_white_led_is_mostly_visible(mount: Mount) -> None:
    both, infrared = channels(integrating(Tsl2591(mount("tsl2591", illuminance=1000.0)), 0x10), 1.0)
    assert infrared / both == pytest.approx(INFRARED, rel=0.01)


@pytest.mark.parametrize(("control", "most"), [(0x30, 36_863), (0x31, 65_535)])
def test_the_converter_ends_earlier_at_100_ms(mount: Mount, control: int, most: int) -> None:
    assert channels(integrating(Tsl2591(mount("tsl2591", illuminance=500.0)), control), 1.0)[0] == most


def test_a_reset_and_a_special_function(mount: Mount) -> None:
    chip = integrating(Tsl2591(mount("tsl2591", illuminance=1.0)), 0x10)
    chip.write(b"\xe7", 0.0)
    assert read(chip, 0, 2, 0.0) == b"\x03\x10"
    chip.write(b"\xa1\x80", 0.0)
    assert read(chip, 0, 2, 0.0) == b"\x00\x00"


def test_a_chip_that_lost_power_does_not_report_darkness(bench: Callable[..., Any]) -> None:
    under = bench("tsl2591")
    under.cut_power()
    with pytest.raises(NotReady, match="lost power"):
        under.measure()


def test_a_chip_a_little_slower_than_the_datasheet_allows_is_awaited(
    bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tsl2591, "SLOW", 1.15)
    assert bench("tsl2591").measure()["illuminance"] == pytest.approx(300.0, rel=0.01)
