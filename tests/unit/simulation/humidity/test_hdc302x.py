from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.humidity.hdc302x import Hdc302x
from sensor_gateway.simulation.chips.sensirion import words_with_crc

Mount = Callable[..., Mounting]

RECORDED = bytes.fromhex("68c5513b8231")
"""An answer of a real HDC302x, from the tests of periph.io's driver."""


@pytest.fixture
def chip(mount: Mount) -> Hdc302x:
    return Hdc302x(mount("hdc3022", temperature=-45 + 175 * 0x68C5 / 65535, humidity=100 * 0x3B82 / 65535))


def asked(chip: Hdc302x, command: str, at_s: float, count: int = 3) -> bytes:
    chip.write(bytes.fromhex(command), at_s)
    return chip.read(count, at_s)


@pytest.mark.parametrize(
    ("command", "slowest_s"),
    [("2400", 0.0141), ("240b", 0.0084), ("2416", 0.0057), ("24ff", 0.0042), ("2c06", 0.0141)],
)
def test_a_measurement_is_not_read_before_it_is_done(chip: Hdc302x, command: str, slowest_s: float) -> None:
    chip.write(bytes.fromhex(command), 1.0)
    with pytest.raises(Nack):
        chip.read(6, 1.0 + slowest_s - 0.0002)
    assert chip.read(6, 1.0 + slowest_s) == RECORDED
    with pytest.raises(Nack):
        chip.read(6, 2.0)


def test_auto_measurement_is_read_out_once_and_leaves_ones_behind(chip: Hdc302x) -> None:
    chip.write(b"\x21\x30", 1.0)
    assert asked(chip, "e000", 1.005, 6) == words_with_crc(0xFFFF, 0xFFFF)
    assert asked(chip, "e000", 1.02, 6) == RECORDED
    assert asked(chip, "e000", 1.03, 6) == words_with_crc(0xFFFF, 0xFFFF)
    assert asked(chip, "e000", 9.0, 6) == RECORDED


def test_auto_measurement_measures_nothing_when_told_until_it_is_left(chip: Hdc302x) -> None:
    chip.write(b"\x20\xff", 1.0)
    with pytest.raises(Nack):
        chip.write(b"\x24\x00", 2.0)
    chip.write(b"\x30\x93", 3.0)
    with pytest.raises(Nack):
        chip.write(b"\x24\x00", 3.0009)
    chip.write(b"\x24\x00", 3.001)
    with pytest.raises(Nack):
        chip.write(b"\xe0\x00", 4.0)


def test_identity_and_alert_limits_are_those_of_a_real_chip(chip: Hdc302x) -> None:
    """From the recordings of periph.io's driver; the end of the serial number is the sensor's own."""
    for command, answer in {
        "3781": "300033",
        "3683": "c2953e",
        "3684": "b14951",
        "e102": "3466ad",
        "e11f": "cd33fd",
        "e109": "386937",
        "e114": "c92d22",
    }.items():
        assert asked(chip, command, 0.0) == bytes.fromhex(answer)
    assert asked(chip, "3685", 0.0)[0] == 0x15


def test_alert_limits_and_offsets_are_kept_and_need_their_checksum(chip: Hdc302x) -> None:
    chip.write(bytes.fromhex("61004c1db3"), 0.0)
    assert asked(chip, "e102", 0.0) == bytes.fromhex("4c1db3")
    chip.write(bytes.fromhex("a00432f4ac"), 1.0)
    with pytest.raises(Nack):
        chip.write(b"\xa0\x04", 1.076)
    assert asked(chip, "a004", 1.077) == bytes.fromhex("32f4ac")
    for bad in ("61004c1d00", "61004c", "378100000081"):
        with pytest.raises(Nack):
            chip.write(bytes.fromhex(bad), 2.0)


def test_the_status_tells_of_resets_and_of_the_heater(chip: Hdc302x) -> None:
    assert asked(chip, "f32d", 0.0) == words_with_crc(0x8010)
    chip.write(b"\x30\x41", 1.0)
    chip.write(b"\x30\x6d", 1.0)
    assert asked(chip, "f32d", 1.0) == words_with_crc(0x2000)
    chip.write(b"\x30\x66", 2.0)
    assert asked(chip, "f32d", 2.0) == words_with_crc(0)
    chip.write(b"\x30\xa2", 3.0)
    with pytest.raises(Nack):
        chip.write(b"\xf3\x2d", 3.0029)
    assert asked(chip, "f32d", 3.003) == words_with_crc(0x8010)


def test_the_heater_warms_what_is_measured(chip: Hdc302x) -> None:
    chip.write(b"\x30\x6d", 0.0)
    chip.write(b"\x24\x00", 0.0)
    assert int.from_bytes(chip.read(2, 1.0), "big") > 0x68C5 + 1000


@pytest.mark.parametrize("command", ["30", "3682", "0000", "e000"])
def test_what_is_no_command_is_refused(chip: Hdc302x, command: str) -> None:
    with pytest.raises(Nack):
        chip.write(bytes.fromhex(command), 0.0)
    chip.write(b"", 0.0)


def test_a_chip_that_just_got_its_power_is_not_there_yet(mount: Mount) -> None:
    chip = Hdc302x(mount("hdc3020", temperature=20.0, humidity=50.0, powered_s=1.0))
    with pytest.raises(Nack):
        chip.write(b"\x24\x00", 1.0049)
    chip.write(b"\x24\x00", 1.005)
