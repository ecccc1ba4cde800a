from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.light.bh1750 import Bh1750

Mount = Callable[..., Mounting]


def counts(chip: Bh1750, now_s: float) -> int:
    return int.from_bytes(chip.read(2, now_s), "big")


def test_417_5_lux_are_501_counts(mount: Mount) -> None:
    """Linux's bh1750 driver read raw 501 at a scale of 0.833333."""
    chip = Bh1750(mount("bh1750", illuminance=417.5))
    chip.write(b"\x01", 0.0)
    chip.write(b"\x20", 0.0)
    assert counts(chip, 0.2) == 501


def test_datasheet_example_83_90_comes_from_28067_lux(mount: Mount) -> None:
    chip = Bh1750(mount("bh1750", illuminance=28067.0))
    chip.write(b"\x20", 0.0)
    assert chip.read(2, 0.2) == b"\x83\x90"


@pytest.mark.parametrize(
    ("opcode", "slowest_s"), [(0x20, 0.180), (0x21, 0.180), (0x23, 0.024), (0x10, 0.180), (0x13, 0.024)]
)
def test_the_register_holds_zero_until_the_measurement_time_has_passed(
    mount: Mount, opcode: int, slowest_s: float
) -> None:
    chip = Bh1750(mount("bh1750", illuminance=100.0))
    chip.write(bytes((opcode,)), 5.0)
    assert counts(chip, 5.0 + slowest_s - 0.001) == 0
    assert counts(chip, 5.0 + slowest_s) > 0


def test_the_old_result_stays_until_the_next_one_is_there(mount: Mount) -> None:
    chip = Bh1750(mount("bh1750", illuminance=lambda at_s: 100.0 if at_s < 1 else 200.0))
    chip.write(b"\x20", 0.0)
    assert counts(chip, 0.5) == 120
    chip.write(b"\x20", 1.0)
    assert counts(chip, 1.1) == 120
    assert counts(chip, 1.18) == 240


def test_mode_2_counts_twice_as_fine(mount: Mount) -> None:
    chip = Bh1750(mount("bh1750", illuminance=417.5))
    chip.write(b"\x21", 0.0)
    assert counts(chip, 0.2) == 1002


def test_mtreg_stretches_time_and_counts(mount: Mount) -> None:
    chip = Bh1750(mount("bh1750", illuminance=100.0))
    chip.write(bytes((0x40 | 138 >> 5,)), 0.0)
    chip.write(bytes((0x60 | 138 & 0x1F,)), 0.0)
    chip.write(b"\x20", 0.0)
    assert counts(chip, 0.359) == 0
    assert counts(chip, 0.360) == 240


def test_bright_light_saturates(mount: Mount) -> None:
    chip = Bh1750(mount("bh1750", illuminance=100_000.0))
    chip.write(b"\x20", 0.0)
    assert counts(chip, 0.2) == 0xFFFF


def test_continuous_mode_follows_the_light(mount: Mount) -> None:
    chip = Bh1750(mount("bh1750", illuminance=lambda at_s: 1000 * at_s))
    chip.write(b"\x10", 0.0)
    assert counts(chip, 0.2) == round(180 * 1.2)
    assert counts(chip, 0.6) == round(540 * 1.2)


def test_reset_clears_the_register_only_while_powered_on(mount: Mount) -> None:
    chip = Bh1750(mount("bh1750", illuminance=100.0))
    chip.write(b"\x20", 0.0)
    assert counts(chip, 0.2) == 120
    chip.write(b"\x07", 0.3)
    assert counts(chip, 0.3) == 120
    chip.write(b"\x01", 0.4)
    chip.write(b"\x07", 0.4)
    assert counts(chip, 0.4) == 0


def test_unknown_opcodes_are_not_acknowledged(mount: Mount) -> None:
    with pytest.raises(Nack):
        Bh1750(mount("bh1750", illuminance=1.0)).write(b"\xff", 0.0)


def test_more_than_two_bytes_read_as_ones(mount: Mount) -> None:
    assert Bh1750(mount("bh1750", illuminance=1.0)).read(3, 0.0) == b"\x00\x00\xff"
