from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.model.errors import Nack
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.humidity.sht3x import Sht3x
from sensor_gateway.simulation.chips.sensirion import words_with_crc

Mount = Callable[..., Mounting]

RECORDED = bytes.fromhex("6260b672b38f")
"""An answer of a real SHT3x, from the tests of denis-koshenkov/sensirion-sht3x."""


@pytest.fixture
def chip(mount: Mount) -> Sht3x:
    return Sht3x(mount("sht3x", temperature=-45 + 175 * 0x6260 / 65535, humidity=100 * 0x72B3 / 65535))


def status_of(chip: Sht3x, at_s: float) -> int:
    chip.write(b"\xf3\x2d", at_s)
    answer = chip.read(3, at_s)
    word = int.from_bytes(answer[:2], "big")
    assert answer == words_with_crc(word)
    return word


def test_the_values_of_a_recorded_answer_give_that_answer(chip: Sht3x) -> None:
    chip.write(b"\x24\x00", 0.0)
    assert chip.read(6, 0.0155) == RECORDED


@pytest.mark.parametrize(("command", "slowest_s"), [("2400", 0.0155), ("240b", 0.0065), ("2416", 0.0045)])
def test_a_chip_that_measures_does_not_acknowledge(chip: Sht3x, command: str, slowest_s: float) -> None:
    chip.write(bytes.fromhex(command), 1.0)
    with pytest.raises(Nack):
        chip.read(6, 1.0 + slowest_s - 0.0002)
    with pytest.raises(Nack):
        chip.write(b"\x30\xa2", 1.0)
    assert chip.read(6, 1.0 + slowest_s) == RECORDED


def test_with_clock_stretching_the_read_itself_waits(chip: Sht3x) -> None:
    chip.write(b"\x2c\x06", 1.0)
    assert chip.read(6, 1.0) == RECORDED


def test_an_answer_is_read_once_and_idle_there_is_none(chip: Sht3x) -> None:
    with pytest.raises(Nack):
        chip.read(6, 0.0)
    chip.write(b"\x24\x00", 0.0)
    chip.read(6, 1.0)
    with pytest.raises(Nack):
        chip.read(6, 1.0)


def test_a_millisecond_passes_between_commands(chip: Sht3x) -> None:
    chip.write(b"\x30\x41", 1.0)
    with pytest.raises(Nack):
        chip.write(b"\x30\x41", 1.0008)
    chip.write(b"\x30\x41", 1.001)


def test_periodic_measurement_refuses_all_but_a_few_commands_until_a_break(chip: Sht3x) -> None:
    chip.write(b"\x21\x30", 1.0)
    for at_s, refused in enumerate((b"\x24\x00", b"\x30\xa2", b"\x36\x82"), start=2):
        with pytest.raises(Nack):
            chip.write(refused, at_s)
        assert status_of(chip, at_s + 0.5) & 0x0002
    chip.write(b"\x30\x93", 6.0)
    with pytest.raises(Nack):
        chip.write(b"\x30\xa2", 6.0005)
    chip.write(b"\x30\xa2", 6.001)


def test_periodic_measurements_are_fetched_once_each(chip: Sht3x) -> None:
    chip.write(b"\x21\x30", 1.0)
    chip.write(b"\xe0\x00", 1.005)
    with pytest.raises(Nack):
        chip.read(6, 1.005)
    chip.write(b"\xe0\x00", 1.02)
    assert chip.read(6, 1.02) == RECORDED
    chip.write(b"\xe0\x00", 1.5)
    with pytest.raises(Nack):
        chip.read(6, 1.5)
    chip.write(b"\xe0\x00", 9.0)
    assert chip.read(6, 9.0) == RECORDED


def test_the_status_tells_of_resets_and_of_the_heater(chip: Sht3x) -> None:
    assert status_of(chip, 0.0) == 0x8010
    chip.write(b"\x30\x41", 1.0)
    assert status_of(chip, 2.0) == 0
    chip.write(b"\x30\x6d", 3.0)
    assert status_of(chip, 4.0) == 0x2000
    chip.write(b"\x30\x66", 5.0)
    assert status_of(chip, 6.0) == 0
    chip.write(b"\x30\xa2", 7.0)
    with pytest.raises(Nack):
        chip.write(b"\xf3\x2d", 7.0014)
    assert status_of(chip, 7.0015) == 0x8010


def test_the_heater_warms_what_is_measured(mount: Mount) -> None:
    chip = Sht3x(mount("sht3x", temperature=20.0, humidity=50.0))
    chip.write(b"\x30\x6d", 0.0)
    chip.write(b"\x24\x00", 0.001)
    assert -45 + 175 * int.from_bytes(chip.read(6, 1.0)[:2], "big") / 65535 > 21


@pytest.mark.parametrize("command", ["3682", "3780"])
def test_the_serial_number_is_the_same_each_time_and_takes_a_millisecond(chip: Sht3x, command: str) -> None:
    chip.write(bytes.fromhex(command), 0.0)
    with pytest.raises(Nack):
        chip.read(6, 0.0005)
    first = chip.read(6, 0.001)
    chip.write(bytes.fromhex(command), 1.0)
    assert chip.read(6, 1.001) == first
    assert first == words_with_crc(int.from_bytes(first[:2], "big"), int.from_bytes(first[3:5], "big"))


def test_a_chip_that_just_got_its_power_is_not_there_yet(mount: Mount) -> None:
    chip = Sht3x(mount("sht3x", temperature=20.0, humidity=50.0, powered_s=1.0))
    with pytest.raises(Nack):
        chip.write(b"\x24\x00", 1.0014)
    chip.write(b"\x24\x00", 1.0015)


@pytest.mark.parametrize("command", [b"\x30", b"\x37\x81", b"\x00\x00"])
def test_what_is_no_command_is_refused(chip: Sht3x, command: bytes) -> None:
    with pytest.raises(Nack):
        chip.write(command, 0.0)
    chip.write(b"", 0.01)


def limit_of(chip: Sht3x, command: str, at_s: float) -> tuple[float, float]:
    """The limit's humidity and temperature, worked out as the kernel's driver does."""
    chip.write(bytes.fromhex(command), at_s)
    answer = chip.read(3, at_s)
    word = int.from_bytes(answer[:2], "big")
    assert answer == words_with_crc(word)
    return 100 * (word & 0xFE00) / 65535, 175 * ((word & 0x01FF) << 7) / 65535 - 45


@pytest.mark.parametrize(
    ("command", "humidity", "celsius"), [("e11f", 80, 60), ("e114", 79, 58), ("e109", 22, -9), ("e102", 20, -10)]
)
def test_alert_limits_are_those_of_the_application_note(
    chip: Sht3x, command: str, humidity: float, celsius: float
) -> None:
    kept = limit_of(chip, command, 0.0)
    assert kept == (pytest.approx(humidity, abs=0.8), pytest.approx(celsius, abs=0.35))


def test_an_alert_limit_is_kept_when_its_checksum_is_right(chip: Sht3x) -> None:
    chip.write(b"\x61\x1d" + words_with_crc(0x3466), 0.0)
    assert limit_of(chip, "e11f", 1.0) == (pytest.approx(20.3, abs=0.1), pytest.approx(-10.1, abs=0.1))
    assert not status_of(chip, 2.0) & 0x0001
    chip.write(b"\x61\x1d\xcd\x33\x00", 3.0)
    assert limit_of(chip, "e11f", 4.0) == (pytest.approx(20.3, abs=0.1), pytest.approx(-10.1, abs=0.1))
    assert status_of(chip, 5.0) & 0x0001
