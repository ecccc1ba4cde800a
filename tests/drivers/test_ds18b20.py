from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_drivers.ds18b20 import CHANNEL, FAMILIES, Ds18b20, Options, convert
from sensor_gateway.driver import BadFrame, DeviceMissing, MeasurementError, NoAnswer, OverRange, WrongChip, crc8_maxim
from sensor_gateway.testing import FileContent, FilePlayback, play_files

NUMBER = "28-0316a2794cff"
GOOD = b"a3 01 4b 46 7f ff 0d 10 ce : crc=ce YES\na3 01 4b 46 7f ff 0d 10 ce t=26187\n"


def w1_slave(scratchpad: str, millis: int, verdict: str = "YES") -> bytes:
    data = bytes.fromhex(scratchpad)
    crc = crc8_maxim(data)
    shown = (data + bytes((crc,))).hex(" ")
    return f"{shown} : crc={crc:02x} {verdict}\n{shown} t={millis}\n".encode()


def test_a_thermometer_is_identified_and_read_in_exactly_these_files() -> None:
    driver = Ds18b20("ds18b20", Options(id=NUMBER))
    with FilePlayback([FileContent("name", f"{NUMBER}\n".encode()), FileContent("w1_slave", GOOD)]) as files:
        assert play_files(driver.identify(), files).result.part == f"DS18B20 {NUMBER}"
        assert play_files(driver.setup(), files).waits_s == ()
        assert play_files(driver.measure(), files).result == {"temperature": 26.1875}


@pytest.mark.parametrize(("options", "name"), [(Options(id=NUMBER), NUMBER), (Options(), "28-*")])
def test_the_number_may_be_left_out(options: Options, name: str) -> None:
    operation: Any = next(Ds18b20("ds18b20", options).measure())
    assert (operation.device.kind, operation.device.name, operation.name) == ("w1", name, "w1_slave")


def test_another_family_is_refused_with_the_driver_to_write() -> None:
    files = FilePlayback([FileContent("name", b"10-000802824e58\n")])
    with pytest.raises(WrongChip, match="driver: ds18s20"):
        play_files(Ds18b20("ds18b20", Options(id="10-000802824e58")).identify(), files)


def test_a_thermometer_that_is_gone_is_no_value() -> None:
    with FilePlayback([FileContent("w1_slave", DeviceMissing("gone"))]) as files, pytest.raises(DeviceMissing):
        play_files(Ds18b20("ds18b20", Options()).measure(), files)


def test_a_checksum_that_the_kernel_found_wrong_is_no_value() -> None:
    with pytest.raises(BadFrame, match="checksum"):
        convert(GOOD.replace(b"YES", b"NO"), "28")


@pytest.mark.parametrize("place", range(9))
def test_a_byte_that_is_wrong_is_no_value_whatever_the_kernel_says(place: int) -> None:
    broken = bytearray(bytes.fromhex("a3014b467fff0d10ce"))
    broken[place] ^= 0x04
    shown = broken.hex(" ").encode()
    with pytest.raises(BadFrame, match="checksum"):
        convert(shown + b" : crc=ce YES\n" + shown + b" t=26187\n", "28")


def test_a_line_held_low_is_no_zero_degrees() -> None:
    """Its checksum is right by nature; the control is a real 0 °C."""
    with pytest.raises(BadFrame, match="all zeros"):
        convert(w1_slave("00 00 00 00 00 00 00 00", 0), "28")
    assert convert(w1_slave("00 00 4b 46 7f ff 10 10", 0), "28") == {"temperature": 0}


@pytest.mark.parametrize("text", [b"", b"\n", b" "])
def test_an_empty_file_is_no_answer(text: bytes) -> None:
    with pytest.raises(NoAnswer, match="supply"):
        convert(text, "28")


def test_a_chip_with_too_little_supply_is_beyond_its_range() -> None:
    with pytest.raises(OverRange):
        convert(w1_slave("ff 07 4b 46 7f ff 0c 10", 127937), "28")


def test_bytes_and_temperature_that_contradict_each_other_are_no_value() -> None:
    with pytest.raises(BadFrame, match=r"expected t=26188, got t=25187"):
        convert(GOOD.replace(b"26187", b"25187"), "28")


@pytest.mark.parametrize(("raw", "celsius"), [(0x07D0, 125), (0x0191, 25.0625), (0xFF5E, -10.125), (0xFC90, -55)])
def test_the_temperatures_of_the_datasheet(raw: int, celsius: float) -> None:
    """Maxim DS18B20, table 1: temperature and data."""
    text = w1_slave(f"{raw & 0xFF:02x} {raw >> 8:02x} 4b 46 7f ff 10 10", int(celsius * 1000))
    assert convert(text, "28") == {"temperature": celsius}


@pytest.mark.parametrize(
    ("scratchpad", "millis", "celsius"),
    [
        ("90 01 4b 46 80 ff 10 10", 25000, 25.0),
        ("90 01 4b 46 a3 ff 10 10", 25046, 25.046875),
        ("ff ff 4b 46 a3 ff 10 10", -15, -0.015625),
        ("90 fc 4b 46 a0 ff 10 10", -55000, -55.0),
    ],
)
def test_a_gx20mh01_that_is_sold_as_a_ds18b20_has_two_bits_more(scratchpad: str, millis: int, celsius: float) -> None:
    """As w1_DS18B20_convert_temp in the kernel: bit 7 of the configuration says so, bits 1 and 0 are the lowest."""
    assert convert(w1_slave(scratchpad, millis), "28") == {"temperature": celsius}
    with pytest.raises(BadFrame):
        convert(w1_slave(scratchpad, millis + 2), "28")


@given(st.binary(max_size=200), st.sampled_from(sorted(FAMILIES.values())))
def test_any_bytes_are_a_temperature_within_limits_or_an_error_of_ours(text: bytes, family: str) -> None:
    try:
        value = convert(text, family)["temperature"]
    except MeasurementError:
        return
    assert CHANNEL.low <= value <= CHANNEL.high


@given(st.binary(min_size=8, max_size=8), st.integers(-200_000, 200_000), st.sampled_from(sorted(FAMILIES.values())))
def test_so_is_any_scratchpad(scratchpad: bytes, millis: int, family: str) -> None:
    text = w1_slave(scratchpad.hex(" "), millis)
    try:
        value = convert(text, family)["temperature"]
    except MeasurementError:
        return
    assert CHANNEL.low <= value <= CHANNEL.high
    assert abs(value * 1000 - millis) <= 1


@pytest.mark.parametrize("number", ["28-0316", "28.0316A2794CFF", "26-0316a2794cff", "w1/28-0316a2794cff", "x", "28-*"])
def test_what_is_no_number_of_a_thermometer_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match=r"^id .*expected one like 28-0316a2794cff"):
        Options(id=number)
