from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.lm75 import Lm75

Mount = Callable[..., Mounting]

TABLE = [("7d00", 125.0), ("1900", 25.0), ("e700", -25.0), ("c900", -55.0)]
"""Rows that the datasheets of the whole family share."""


@pytest.mark.parametrize("variant", ["lm75", "lm75a", "lm75b", "pct2075", "tmp75", "tmp102", "tmp112", "tmp1075"])
@pytest.mark.parametrize(("answer", "celsius"), TABLE)
def test_datasheet_rows(mount: Mount, variant: str, answer: str, celsius: float) -> None:
    assert Lm75(mount(variant, temperature=celsius)).read(2, 0.0).hex() == answer


@pytest.mark.parametrize(
    ("variant", "answer"),
    [("lm75", "0680"), ("lm75b", "0660"), ("pct2075", "0660"), ("tmp102", "0640"), ("tmp1075", "0640")],
)
def test_each_part_has_its_own_fraction(mount: Mount, variant: str, answer: str) -> None:
    assert (
        Lm75(mount(variant, temperature=6.26 if variant == "tmp102" else 6.27 if variant == "tmp1075" else 6.4))
        .read(2, 0.0)
        .hex()
        == answer
    )


def test_a_quarter_degree_below_zero_reads_ffc0(mount: Mount) -> None:
    assert Lm75(mount("tmp102", temperature=-0.25)).read(2, 0.0) == b"\xff\xc0"


def test_23_5_degrees(mount: Mount) -> None:
    """Linux's lm75 driver showed 23500 for this model's answer."""
    assert Lm75(mount("lm75", temperature=23.5)).read(2, 0.0) == b"\x17\x80"


def test_extended_mode_reaches_150_degrees(mount: Mount) -> None:
    """4B 01 is 150 degrees in TMP102's extended mode, whose lowest bit says so."""
    chip = Lm75(mount("tmp102", temperature=150.0))
    assert chip.read(2, 0.0) == b"\x7f\xf0"
    chip.write(b"\x01\x60\xb0", 0.0)
    chip.write(b"\x00", 0.0)
    assert chip.read(2, 0.05) == b"\x4b\x01"


def test_tmp75_resolution_follows_r1_r0(mount: Mount) -> None:
    chip = Lm75(mount("tmp75", temperature=20.0625))
    assert chip.read(2, 0.0) == b"\x14\x00"
    chip.write(b"\x01\x60", 0.0)
    chip.write(b"\x00", 0.0)
    assert chip.read(2, 0.299) == b"\x14\x00"
    assert chip.read(2, 0.3) == b"\x14\x10"


def test_the_pointer_stays_where_it_was_put(mount: Mount) -> None:
    chip = Lm75(mount("tmp102", temperature=20.0))
    chip.write(b"\x01", 0.0)
    assert chip.read(2, 0.0) == b"\x60\xa0"
    assert chip.read(2, 0.0) == b"\x60\xa0"
    chip.write(b"\x03", 0.0)
    assert chip.read(2, 0.0) == b"\x50\x00"


def test_only_a_tmp1075_has_a_device_id(mount: Mount) -> None:
    chip = Lm75(mount("tmp1075", temperature=20.0))
    chip.write(b"\x0f", 0.0)
    assert chip.read(2, 0.0) == b"\x75\x00"
    with pytest.raises(Nack):
        Lm75(mount("tmp75", temperature=20.0)).write(b"\x0f", 0.0)


def test_zero_degrees_until_the_first_conversion(mount: Mount) -> None:
    chip = Lm75(mount("tmp102", temperature=20.0, powered_s=5.0))
    assert chip.read(2, 5.034) == b"\x00\x00"
    assert chip.read(2, 5.035) == b"\x14\x00"


def test_shutdown_keeps_the_value_and_one_shot_renews_it(mount: Mount) -> None:
    chip = Lm75(mount("tmp75", temperature=lambda at_s: 20.0 + at_s))
    chip.write(b"\x01\x01", 0.0)
    chip.write(b"\x00", 0.0)
    kept = chip.read(2, 0.0)
    assert chip.read(2, 5.0) == kept
    chip.write(b"\x01\x81", 6.0)
    assert chip.read(1, 6.0) == b"\x01"
    chip.write(b"\x00", 6.0)
    assert chip.read(2, 6.01) == kept
    assert chip.read(2, 9.0) == b"\x1a\x00"
