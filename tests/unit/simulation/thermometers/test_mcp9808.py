from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.thermometers.mcp9808 import Mcp9808

Mount = Callable[..., Mounting]


def register(chip: Mcp9808, pointer: int, now_s: float, count: int = 2) -> str:
    chip.write(bytes((pointer,)), now_s)
    return chip.read(count, now_s).hex()


@pytest.mark.parametrize(("celsius", "bits"), [(10.0, 0x00A0), (-10.0, 0x1F60), (1.0, 0x0010), (15.0, 0x00F0)])
def test_the_temperature_is_as_periph_s_recordings_have_it(mount: Mount, celsius: float, bits: int) -> None:
    assert int(register(Mcp9808(mount("mcp9808", temperature=celsius)), 5, 0.0), 16) & 0x1FFF == bits


@pytest.mark.parametrize(
    ("celsius", "answer"), [(1.0, "0010"), (-1.0, "3ff0"), (7.0, "4070"), (15.0, "c0f0"), (10.0, "c0a0")]
)
def test_flags_compare_with_the_limits(mount: Mount, celsius: float, answer: str) -> None:
    """Limits and answers of periph's TestSenseWithAlerts: critical 10 °C, upper 5 °C, lower 0 °C."""
    chip = Mcp9808(mount("mcp9808", temperature=celsius))
    for limit in (b"\x04\x00\xa0", b"\x02\x00\x50", b"\x03\x00\x00"):
        chip.write(limit, 0.0)
    assert register(chip, 5, 0.0) == answer


def test_identity(mount: Mount) -> None:
    chip = Mcp9808(mount("mcp9808", temperature=20.0))
    assert (register(chip, 6, 0.0), register(chip, 7, 0.0)) == ("0054", "0400")
    chip.write(b"\x07\x12\x34", 0.0)
    assert register(chip, 7, 0.0) == "0400"


def test_zero_degrees_until_the_first_conversion(mount: Mount) -> None:
    chip = Mcp9808(mount("mcp9808", temperature=20.0, powered_s=5.0))
    assert register(chip, 5, 5.249) == "8000"
    assert register(chip, 5, 5.25) == "c140"


def test_the_resolution_gives_step_and_time(mount: Mount) -> None:
    chip = Mcp9808(mount("mcp9808", temperature=lambda at_s: 20.3 if at_s < 1.05 else 21.3))
    assert register(chip, 8, 0.0, 1) == "03"
    assert register(chip, 5, 0.9) == "c145"
    chip.write(b"\x08\x00", 1.1)
    assert register(chip, 5, 1.129) == "c145"
    assert register(chip, 5, 1.13) == "c158"


def test_shutdown_keeps_the_value(mount: Mount) -> None:
    chip = Mcp9808(mount("mcp9808", temperature=lambda at_s: 20.0 + at_s))
    chip.write(b"\x01\x01\x00", 0.0)
    kept = register(chip, 5, 0.0)
    assert register(chip, 5, 9.0) == kept
    chip.write(b"\x01\x00\x00", 9.0)
    assert register(chip, 5, 9.25) != kept
