from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.humidity.scd4x import Scd4x
from sensor_gateway.simulation.chips.sensirion import words_with_crc

Mount = Callable[..., Mounting]

EXAMPLE = bytes.fromhex("01f4336667a25eb93c")
"""500 ppm, 25 °C, 37 %: the example of the datasheet's section 3.6.2."""

NO_DATA, DATA = bytes.fromhex("8000a2"), bytes.fromhex("800604")
"""As the tests of periph.io's driver have them from a real chip."""

PERIODIC = b"\x21\xb1"


def make(mount: Mount, variant: str = "scd41", **others: float) -> Scd4x:
    values = {"carbon_dioxide": 500.0, "temperature": 25.003, "humidity": 37.0015} | others
    return Scd4x(mount(variant, **values))


def asked(chip: Scd4x, command: bytes, count: int, at_s: float) -> bytes:
    chip.write(command, at_s)
    return chip.read(count, at_s + 0.001)


def test_the_values_of_the_datasheet_give_its_bytes(mount: Mount) -> None:
    chip = make(mount)
    chip.write(PERIODIC, 0.0)
    answer = asked(chip, b"\xec\x05", 9, 6.0)
    assert answer[:3] + answer[6:] == EXAMPLE[:3] + EXAMPLE[6:]
    assert abs(int.from_bytes(answer[3:5], "big") - 0x6667) <= 1  # the offset of 4 °C is a whole number of ticks


def test_a_measurement_is_there_after_five_seconds_and_is_read_once(mount: Mount) -> None:
    chip = make(mount)
    chip.write(PERIODIC, 1.0)
    assert asked(chip, b"\xe4\xb8", 3, 5.9) == NO_DATA
    chip.write(b"\xec\x05", 5.95)
    with pytest.raises(Nack):
        chip.read(9, 5.96)
    assert asked(chip, b"\xe4\xb8", 3, 6.0) == DATA
    assert len(asked(chip, b"\xec\x05", 9, 6.1)) == 9
    assert asked(chip, b"\xe4\xb8", 3, 6.2) == NO_DATA
    assert asked(chip, b"\xe4\xb8", 3, 11.0) == DATA


def test_the_newest_measurement_is_kept_until_it_is_read(mount: Mount) -> None:
    chip = Scd4x(mount("scd40", carbon_dioxide=lambda at_s: 400 + at_s, temperature=20.0, humidity=50.0))
    chip.write(PERIODIC, 0.0)
    assert int.from_bytes(asked(chip, b"\xec\x05", 2, 63.0), "big") == 460


def test_an_answer_takes_a_millisecond(mount: Mount) -> None:
    chip = make(mount)
    chip.write(b"\x36\x82", 0.0)
    with pytest.raises(Nack):
        chip.read(9, 0.0009)
    first = chip.read(9, 0.001)
    assert first == asked(chip, b"\x36\x82", 9, 1.0)
    assert first == words_with_crc(*(int.from_bytes(first[at : at + 2], "big") for at in (0, 3, 6)))


def test_while_it_measures_it_refuses_all_but_a_few_commands(mount: Mount) -> None:
    chip = make(mount)
    chip.write(PERIODIC, 0.0)
    for refused in (b"\x36\x82", b"\x20\x2f", PERIODIC, b"\x36\x46", b"\x24\x27\x00\x00\x81"):
        with pytest.raises(Nack):
            chip.write(refused, 1.0)
    assert asked(chip, b"\xe0\x00", 3, 1.0) == words_with_crc(1013)
    chip.write(b"\x3f\x86", 2.0)
    with pytest.raises(Nack):
        chip.write(b"\x36\x82", 2.4999)
    assert len(asked(chip, b"\x36\x82", 9, 2.5)) == 9
    assert asked(chip, b"\xe4\xb8", 3, 60.0) == NO_DATA


def test_low_power_measures_every_thirty_seconds(mount: Mount) -> None:
    chip = make(mount)
    chip.write(b"\x21\xac", 0.0)
    assert asked(chip, b"\xe4\xb8", 3, 29.9) == NO_DATA
    assert asked(chip, b"\xe4\xb8", 3, 30.0) == DATA


def test_settings_are_kept_and_need_their_checksum(mount: Mount) -> None:
    chip = make(mount)
    assert asked(chip, b"\x23\x18", 3, 0.0) == words_with_crc(0x05DA)  # 4 °C
    chip.write(b"\x24\x27" + words_with_crc(1950), 1.0)
    assert asked(chip, b"\x23\x22", 3, 1.0) == words_with_crc(1950)
    for bad in (b"\x24\x27\x00\x00\x00", b"\x24\x27\x00", b"\x36\x82\x00\x00\x81"):
        with pytest.raises(Nack):
            chip.write(bad, 2.0)
    chip.write(b"\x36\x15", 3.0)
    with pytest.raises(Nack):
        chip.write(b"\x23\x22", 3.79)
    chip.write(b"\x23\x22", 3.8)


def test_reinit_takes_back_what_was_not_persisted(mount: Mount) -> None:
    chip = make(mount)
    chip.write(b"\x24\x27" + words_with_crc(1950), 0.0)
    chip.write(b"\x36\x15", 1.0)
    chip.write(b"\x24\x27" + words_with_crc(300), 2.0)
    chip.write(b"\x24\x1d" + words_with_crc(0), 2.0)
    chip.write(b"\x36\x46", 3.0)
    with pytest.raises(Nack):
        chip.write(b"\x23\x22", 3.029)
    assert asked(chip, b"\x23\x22", 3, 3.03) == words_with_crc(1950)
    assert asked(chip, b"\x23\x18", 3, 3.1) == words_with_crc(0x05DA)
    chip.write(b"\x36\x32", 4.0)
    assert asked(chip, b"\x23\x22", 3, 5.2) == words_with_crc(0)


def test_the_offset_is_taken_from_the_warmth_of_the_chip(mount: Mount) -> None:
    chip = make(mount, temperature=20.0)
    chip.write(b"\x24\x1d" + words_with_crc(0), 0.0)
    chip.write(PERIODIC, 1.0)
    word = int.from_bytes(asked(chip, b"\xec\x05", 9, 7.0)[3:5], "big")
    assert -45 + 175 * word / 65535 == pytest.approx(24.0, abs=0.01)


def test_an_scd41_sleeps_and_does_not_acknowledge_that_it_is_woken(mount: Mount) -> None:
    chip = make(mount)
    chip.write(b"\x36\xe0", 0.0)
    with pytest.raises(Nack):
        chip.write(b"\x36\x82", 1.0)
    with pytest.raises(Nack):
        chip.write(b"\x36\xf6", 2.0)
    with pytest.raises(Nack):
        chip.write(b"\x36\x82", 2.02)
    assert len(asked(chip, b"\x36\x82", 9, 2.03)) == 9
    with pytest.raises(Nack):
        chip.write(b"\x36\xf6", 3.0)


def test_an_scd41_measures_once_when_told(mount: Mount) -> None:
    chip = make(mount)
    chip.write(b"\x21\x9d", 0.0)
    with pytest.raises(Nack):
        chip.write(b"\xe4\xb8", 4.9)
    assert asked(chip, b"\xec\x05", 2, 5.0) == b"\x01\xf4"
    chip.write(b"\x21\x96", 6.0)
    assert asked(chip, b"\xec\x05", 2, 6.05) == b"\x00\x00"


@pytest.mark.parametrize("command", [b"\x21\x9d", b"\x21\x96", b"\x36\xe0"])
def test_an_scd40_can_do_neither(mount: Mount, command: bytes) -> None:
    with pytest.raises(Nack):
        make(mount, "scd40").write(command, 0.0)


def test_each_tells_what_it_is(mount: Mount) -> None:
    """Words and checksums as in the datasheet, section 3.10.6."""
    assert asked(make(mount, "scd40"), b"\x20\x2f", 3, 0.0) == bytes.fromhex("04403f")
    assert asked(make(mount, "scd41"), b"\x20\x2f", 3, 0.0) == bytes.fromhex("144051")


def test_a_self_test_finds_nothing_and_takes_ten_seconds(mount: Mount) -> None:
    chip = make(mount)
    chip.write(b"\x36\x39", 0.0)
    with pytest.raises(Nack):
        chip.read(3, 9.9)
    assert chip.read(3, 10.0) == b"\x00\x00\x81"


def test_what_is_no_command_is_refused(mount: Mount) -> None:
    chip = make(mount)
    for unknown in (b"\x36", b"\x12\x34"):
        with pytest.raises(Nack):
            chip.write(unknown, 0.0)
    chip.write(b"", 0.0)


def test_a_chip_that_just_got_its_power_is_not_there_yet(mount: Mount) -> None:
    chip = Scd4x(mount("scd41", carbon_dioxide=500.0, temperature=20.0, humidity=50.0, powered_s=1.0))
    with pytest.raises(Nack):
        chip.write(b"\x36\x82", 1.029)
    chip.write(b"\x36\x82", 1.03)
