from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.simulation.chips.air.ads1115 import Ads1115
from sensor_gateway.simulation.chips.chip import Mounting

Mount = Callable[..., Mounting]


def register(chip: Ads1115, pointer: int, now_s: float) -> str:
    chip.write(bytes((pointer,)), now_s)
    return chip.read(2, now_s).hex()


def converted(chip: Ads1115, word: int) -> str:
    chip.write(bytes((1, word >> 8, word & 0xFF)), 0.0)
    return register(chip, 0, 1.0)


def test_registers_after_power_on(mount: Mount) -> None:
    chip = Ads1115(mount("ads1115", a0=1.0))
    assert [register(chip, pointer, 0.0) for pointer in range(4)] == ["0000", "8583", "8000", "7fff"]


@pytest.mark.parametrize(
    ("share", "code"), [(1.1, "7fff"), (32767 / 32768, "7fff"), (1 / 32768, "0001"), (0.0, "0000"),
                        (-1 / 32768, "ffff"), (-1.0, "8000"), (-1.1, "8000")]
)  # fmt: skip
@pytest.mark.parametrize(
    ("pga", "full_scale"), [(0, 6.144), (1, 4.096), (2, 2.048), (3, 1.024), (4, 0.512), (5, 0.256), (7, 0.256)]
)
def test_ideal_codes_in_each_range(mount: Mount, share: float, code: str, pga: int, full_scale: float) -> None:
    """SBAS444D, table 3."""
    assert converted(Ads1115(mount("ads1115", a0=share * full_scale)), 0xC183 | pga << 9) == code


@pytest.mark.parametrize(("volts", "code"), [(3.0, "7ff0"), (0.001, "0010"), (0.0, "0000"), (-0.001, "fff0")])
def test_twelve_bits_are_left_justified(mount: Mount, volts: float, code: str) -> None:
    assert converted(Ads1115(mount("ads1015", a0=volts)), 0xC583) == code


@pytest.mark.parametrize(
    ("mux", "code"), [(4, 1000), (5, 2000), (6, 0), (7, 4000), (0, -1000), (1, -3000), (2, -2000), (3, -4000)]
)
def test_the_multiplexer(mount: Mount, mux: int, code: int) -> None:
    chip = Ads1115(mount("ads1115", a0=0.125, a1=0.25, a3=0.5))
    assert converted(chip, 0x8383 | mux << 12) == f"{code & 0xFFFF:04x}"


@pytest.mark.parametrize(
    ("variant", "low", "duration_s"),
    [("ads1115", 0x03, 0.1389), ("ads1115", 0xE3, 0.00132), ("ads1015", 0x83, 0.00072)],
)
def test_os_tells_when_a_conversion_is_over(mount: Mount, variant: str, low: int, duration_s: float) -> None:
    chip = Ads1115(mount(variant, a0=1.024))
    chip.write(bytes((1, 0xC5, low)), 5.0)
    assert register(chip, 1, 5.0 + 0.99 * duration_s) == f"45{low:02x}"
    assert register(chip, 0, 5.0 + 0.99 * duration_s) == "0000"
    assert register(chip, 1, 5.0 + 1.05 * duration_s) == f"c5{low:02x}"
    assert register(chip, 0, 5.0 + 1.05 * duration_s) == "4000"


def test_it_converts_once_when_told_and_all_the_time_in_continuous_mode(mount: Mount) -> None:
    chip = Ads1115(mount("ads1115", a0=lambda at_s: at_s / 1000))
    chip.write(b"\x01\x45\x83", 0.0)
    assert register(chip, 0, 100.0) == "0000"
    chip.write(b"\x01\xc5\x83", 100.0)
    assert register(chip, 0, 900.0) == register(chip, 0, 101.0) == "0640"
    chip.write(b"\x01\x44\x83", 1000.0)
    assert register(chip, 1, 1001.0) == "4483"
    assert register(chip, 0, 1024.009) == "4000"
