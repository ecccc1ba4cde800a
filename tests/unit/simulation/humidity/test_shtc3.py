from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.humidity.shtc3 import Shtc3

Mount = Callable[..., Mounting]

FIGURE = bytes.fromhex("648bc7a1331c")
"""Figure 7 of the SHTC3's datasheet."""

PARTS = ["shtc3", "shtc1"]


def make(mount: Mount, variant: str) -> Shtc3:
    return Shtc3(mount(variant, temperature=-45 + 175 * 0x648B / 65536, humidity=100 * 0xA133 / 65536))


@pytest.mark.parametrize("variant", PARTS)
def test_the_values_of_the_datasheet_give_its_bytes_in_the_order_asked_for(mount: Mount, variant: str) -> None:
    chip = make(mount, variant)
    chip.write(b"\x78\x66", 0.0)
    assert chip.read(6, 1.0) == FIGURE
    chip.write(b"\x58\xe0", 1.0)
    assert chip.read(6, 2.0) == FIGURE[3:] + FIGURE[:3]


@pytest.mark.parametrize(
    ("variant", "command", "slowest_s"),
    [
        ("shtc3", "7866", 0.0121),
        ("shtc3", "609c", 0.0008),
        ("shtc3", "401a", 0.0008),
        ("shtc1", "7866", 0.0144),
        ("shtc1", "609c", 0.00094),
    ],
)
def test_a_chip_that_measures_does_not_acknowledge(mount: Mount, variant: str, command: str, slowest_s: float) -> None:
    chip = make(mount, variant)
    chip.write(bytes.fromhex(command), 1.0)
    with pytest.raises(Nack):
        chip.read(6, 1.0 + slowest_s - 0.0001)
    with pytest.raises(Nack):
        chip.write(b"\xef\xc8", 1.0)
    assert len(chip.read(6, 1.0 + slowest_s)) == 6


@pytest.mark.parametrize("command", ["7ca2", "6458"])
def test_with_clock_stretching_the_read_itself_waits(mount: Mount, command: str) -> None:
    chip = make(mount, "shtc3")
    chip.write(bytes.fromhex(command), 1.0)
    assert chip.read(6, 1.0) == FIGURE


def test_an_answer_is_read_once_and_idle_there_is_none(mount: Mount) -> None:
    chip = make(mount, "shtc3")
    with pytest.raises(Nack):
        chip.read(6, 0.0)
    chip.write(b"\x78\x66", 0.0)
    chip.read(6, 1.0)
    with pytest.raises(Nack):
        chip.read(6, 1.0)


def test_a_sleeping_shtc3_hears_nothing_but_the_command_that_wakes_it(mount: Mount) -> None:
    chip = make(mount, "shtc3")
    chip.write(b"\xb0\x98", 0.0)
    for deaf in (b"\x78\x66", b"\xef\xc8", b"\x80\x5d", b"\xb0\x98"):
        with pytest.raises(Nack):
            chip.write(deaf, 1.0)
    chip.write(b"\x35\x17", 2.0)
    with pytest.raises(Nack):
        chip.write(b"\xef\xc8", 2.0002)
    chip.write(b"\xef\xc8", 2.00024)
    assert int.from_bytes(chip.read(3, 2.001)[:2], "big") & 0x083F == 0x0807


def test_an_shtc1_knows_neither_sleep_nor_waking_and_has_an_id_of_its_own(mount: Mount) -> None:
    chip = make(mount, "shtc1")
    for unknown in (b"\xb0\x98", b"\x35\x17"):
        with pytest.raises(Nack):
            chip.write(unknown, 0.0)
    chip.write(b"\xef\xc8", 1.0)
    assert int.from_bytes(chip.read(3, 1.0)[:2], "big") & 0x083F == 0x0007


@pytest.mark.parametrize("variant", PARTS)
def test_a_reset_drops_the_answer(mount: Mount, variant: str) -> None:
    chip = make(mount, variant)
    chip.write(b"\xef\xc8", 0.0)
    chip.write(b"\x80\x5d", 0.0)
    with pytest.raises(Nack):
        chip.write(b"\x78\x66", 0.0002)
    with pytest.raises(Nack):
        chip.read(3, 1.0)


def test_what_is_no_command_is_refused(mount: Mount) -> None:
    chip = make(mount, "shtc3")
    for unknown in (b"\x78", b"\x78\x67"):
        with pytest.raises(Nack):
            chip.write(unknown, 0.0)
    chip.write(b"", 0.0)


def test_a_chip_that_just_got_its_power_is_not_there_yet(mount: Mount) -> None:
    chip = Shtc3(mount("shtc3", temperature=20.0, humidity=50.0, powered_s=1.0))
    with pytest.raises(Nack):
        chip.write(b"\x78\x66", 1.0002)
    chip.write(b"\x78\x66", 1.00024)
