from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sensor_gateway.model.errors import NotReady, OverRange
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.light.veml7700 import Veml7700, bent, corrected

Mount = Callable[..., Mounting]


def word(chip: Veml7700, code: int, now_s: float) -> int:
    chip.write(bytes((code,)), now_s)
    return int.from_bytes(chip.read(2, now_s), "little")


def configure(chip: Veml7700, bits: int, now_s: float) -> None:
    chip.write(b"\x00" + bits.to_bytes(2, "little"), now_s)


def test_it_powers_up_shut_down_and_counts_nothing(mount: Mount) -> None:
    chip = Veml7700(mount("veml7700", address=0x10, illuminance=100.0))
    assert (word(chip, 0, 0.0), word(chip, 4, 100.0)) == (1, 0)


@pytest.mark.parametrize(("address", "number"), [(0x10, 0xC481), (0x48, 0xD481)])
def test_the_id_tells_the_address(mount: Mount, address: int, number: int) -> None:
    """Datasheet 84286, table 8."""
    assert word(Veml7700(mount("veml6030", address=address, illuminance=1.0)), 7, 0.0) == number


@pytest.mark.parametrize(
    ("bits", "lux_per_count"),
    [(0x08C0, 0.0042), (0x0000, 0.0672), (0x1000, 0.5376), (0x1B00, 1.0752), (0x1300, 2.1504), (0x0200, 0.1344)],
)
def test_counts_are_those_of_the_resolution_table(mount: Mount, bits: int, lux_per_count: float) -> None:
    chip = Veml7700(mount("veml7700", illuminance=99.0))
    configure(chip, bits, 0.0)
    assert word(chip, 4, 2.0) == round(99.0 / lux_per_count)


def test_5581_counts_at_a_quarter_are_1658_lux(mount: Mount) -> None:
    """The application note's worked example."""
    chip = Veml7700(mount("veml7700", illuminance=1658.0))
    configure(chip, 0x1800, 0.0)
    assert word(chip, 4, 1.0) == pytest.approx(5581, abs=2)


def test_what_is_bent_is_corrected_by_the_formula() -> None:
    for lux in (102.0, 1000.0, 20_000.0, 140_000.0):
        assert corrected(bent(lux)) == pytest.approx(lux)


def test_a_result_stands_until_the_next_integration_has_ended_and_through_shutdown(mount: Mount) -> None:
    chip = Veml7700(mount("veml7700", illuminance=lambda at_s: 10.0 if at_s < 1 else 20.0))
    configure(chip, 0x0000, 0.0)
    assert [word(chip, 4, now_s) for now_s in (0.1324, 0.1325, 1.0)] == [0, 149, 149]
    configure(chip, 0x0001, 1.0)
    configure(chip, 0x0000, 2.0)
    assert [word(chip, 4, now_s) for now_s in (2.1324, 2.1325)] == [149, 298]


def test_bright_light_saturates(mount: Mount) -> None:
    chip = Veml7700(mount("veml7700", illuminance=300.0))
    configure(chip, 0x08C0, 0.0)
    assert word(chip, 4, 2.0) == 0xFFFF


def test_thresholds_are_kept(mount: Mount) -> None:
    chip = Veml7700(mount("veml7700", illuminance=1.0))
    chip.write(b"\x01\x34\x12", 0.0)
    assert (word(chip, 1, 0.0), word(chip, 2, 0.0)) == (0x1234, 0)


@pytest.mark.parametrize(
    ("name", "lux"), [("moonlight", 150.0), ("room", 1000.0), ("daylight", 12_000.0), ("sun", 0.9)]
)
def test_a_fixed_range_is_kept(bench: Callable[..., Any], name: str, lux: float) -> None:
    under = bench("veml7700", level=lux, range=name)
    assert under.measure()["illuminance"] == pytest.approx(lux, rel=0.001, abs=2.2)
    assert under.waits == []


def test_a_fixed_range_gives_no_saturated_value(bench: Callable[..., Any]) -> None:
    with pytest.raises(OverRange):
        bench("veml7700", level=300.0, range="moonlight").measure()


def test_a_chip_that_lost_power_does_not_report_darkness(bench: Callable[..., Any]) -> None:
    under = bench("veml7700")
    under.cut_power()
    with pytest.raises(NotReady, match="lost power"):
        under.measure()
