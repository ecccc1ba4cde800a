from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.model.errors import NotReady
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.light import opt3001
from sensor_gateway.simulation.chips.light.opt3001 import Opt3001

Mount = Callable[..., Mounting]


def register(chip: Opt3001, pointer: int, now_s: float) -> str:
    chip.write(bytes((pointer,)), now_s)
    return chip.read(2, now_s).hex()


def test_it_powers_up_shut_down(mount: Mount) -> None:
    chip = Opt3001(mount("opt3001", illuminance=100.0))
    assert [register(chip, pointer, 9.0) for pointer in (0, 1, 2, 3, 0x7E, 0x7F)] == [
        "0000",
        "c810",
        "c000",
        "bfff",
        "5449",
        "3001",
    ]


@pytest.mark.parametrize(
    ("lux", "result"), [(0.01, "0001"), (40.95, "0fff"), (88.8, "28ac"), (83_865.6, "bfff"), (0.0, "0000")]
)
def test_the_smallest_range_that_holds_the_light_is_found(mount: Mount, lux: float, result: str) -> None:
    chip = Opt3001(mount("opt3001", illuminance=lux))
    chip.write(b"\x01\xce\x10", 0.0)
    assert register(chip, 0, 1.0) == result


@pytest.mark.parametrize(("range_number", "result"), [(0x8, "8800"), (0x9, "9400"), (0xA, "a200"), (0xB, "b100")])
def test_5242_lux_in_four_ranges(mount: Mount, range_number: int, result: str) -> None:
    """The datasheet's examples of decoding the result register."""
    chip = Opt3001(mount("opt3001", illuminance=5242.88))
    chip.write(bytes((1, range_number << 4 | 0x0E, 0x10)), 0.0)
    assert register(chip, 0, 1.0) == result


def test_what_does_not_fit_overflows(mount: Mount) -> None:
    chip = Opt3001(mount("opt3001", illuminance=100_000.0))
    chip.write(b"\x01\xce\x10", 0.0)
    assert (register(chip, 1, 1.0), register(chip, 0, 1.0)) == ("cf90", "bfff")


@pytest.mark.parametrize(("high", "time_s"), [(b"\xce", 0.883), (b"\xc6", 0.113), (b"\xca", 0.883)])
def test_a_result_stands_until_the_next_conversion_has_ended(mount: Mount, high: bytes, time_s: float) -> None:
    chip = Opt3001(mount("opt3001", illuminance=1.0))
    chip.write(b"\x01" + high + b"\x10", 0.0)
    assert register(chip, 0, time_s - 0.001) == "0000"
    assert register(chip, 0, time_s) == "0064"


def test_the_ready_flag_is_cleared_by_reading_and_one_shot_ends_in_shutdown(mount: Mount) -> None:
    chip = Opt3001(mount("opt3001", illuminance=1.0))
    chip.write(b"\x01\xca\x10", 0.0)
    assert [register(chip, 1, now_s) for now_s in (0.5, 1.0, 1.0)] == ["ca10", "c890", "c810"]


def test_a_chip_that_lost_power_does_not_report_darkness(bench: Callable[..., Any]) -> None:
    under = bench("opt3001")
    under.cut_power()
    with pytest.raises(NotReady, match="lost power"):
        under.measure()


@pytest.mark.parametrize(("conversion", "name", "longest_s"), [("800ms", "LONG_S", 0.88), ("100ms", "SHORT_S", 0.11)])
def test_a_chip_a_little_slower_than_the_datasheet_allows_shows_no_darkness(
    bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, conversion: str, name: str, longest_s: float
) -> None:
    monkeypatch.setattr(opt3001, name, 1.05 * longest_s)
    assert bench("opt3001", conversion=conversion).measure()["illuminance"] == pytest.approx(300.0, rel=0.001)
