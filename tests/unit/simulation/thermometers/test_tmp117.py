from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.thermometers.tmp117 import Tmp117

Mount = Callable[..., Mounting]

TABLE = [(-25.0, "f380"), (-0.125, "fff0"), (-0.0078125, "ffff"), (0.125, "0010"), (1.0, "0080"), (25.0, "0c80"),
         (100.0, "3200")]  # fmt: skip
"""SNOSD82D, table 7-1."""


def register(chip: Tmp117, pointer: int, now_s: float) -> str:
    chip.write(bytes((pointer,)), now_s)
    return chip.read(2, now_s).hex()


@pytest.mark.parametrize(("celsius", "answer"), TABLE)
def test_datasheet_rows(mount: Mount, celsius: float, answer: str) -> None:
    assert register(Tmp117(mount("tmp117", temperature=celsius)), 0, 0.0) == answer


@pytest.mark.parametrize(("variant", "answer"), [("tmp116", "1116"), ("tmp117", "0117"), ("tmp119", "2117")])
def test_identity(mount: Mount, variant: str, answer: str) -> None:
    assert register(Tmp117(mount(variant, temperature=20.0)), 15, 0.0) == answer


def test_after_power_on_it_reads_minus_256_degrees_until_eight_conversions_are_done(mount: Mount) -> None:
    chip = Tmp117(mount("tmp117", temperature=20.0, powered_s=5.0))
    with pytest.raises(Nack):
        chip.write(b"\x00", 5.001)
    assert register(chip, 1, 5.1) == "0220"
    assert register(chip, 0, 5.1414) == "8000"
    assert register(chip, 0, 5.1415) == "0a00"


def test_data_ready_rises_with_a_result_and_falls_when_it_is_read(mount: Mount) -> None:
    chip = Tmp117(mount("tmp117", temperature=20.0))
    chip.write(b"\x01\x04\x20", 0.0)
    register(chip, 0, 0.0)
    assert register(chip, 1, 9.0) == "0420"
    chip.write(b"\x01\x0c\x20", 9.0)
    assert register(chip, 1, 9.139) == "0c20"
    assert register(chip, 1, 9.14) == "2420"
    assert register(chip, 1, 9.14) == "0420"


def test_one_shot_converts_once_and_shuts_down(mount: Mount) -> None:
    chip = Tmp117(mount("tmp117", temperature=lambda at_s: 20.0 + at_s))
    chip.write(b"\x01\x0c\x00", 1.0)
    assert register(chip, 0, 1.0175) == f"{round(21.0175 * 128):04x}"
    assert register(chip, 0, 9.0) == f"{round(21.0175 * 128):04x}"


def test_the_offset_is_added(mount: Mount) -> None:
    chip = Tmp117(mount("tmp117", temperature=20.0))
    chip.write(b"\x07\xff\x80", 0.0)
    assert register(chip, 0, 2.0) == "0980"


def test_a_soft_reset_forgets_and_takes_2_ms(mount: Mount) -> None:
    chip = Tmp117(mount("tmp117", temperature=20.0))
    chip.write(b"\x01\x04\x22", 0.0)
    with pytest.raises(Nack):
        chip.read(2, 0.001)
    assert register(chip, 1, 0.002) == "0220"
    assert register(chip, 0, 0.002) == "8000"
