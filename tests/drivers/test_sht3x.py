from __future__ import annotations

import pytest

from sensor_drivers.sht3x import Options, Sht3x
from sensor_gateway.driver import Nack, WrongChip, crc8
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x44
SERIAL_NUMBER, STATUS, MANUFACTURER_ID = b"\x36\x82", b"\xf3\x2d", b"\x37\x81"


def with_checksums(*words: int) -> bytes:
    pairs = [word.to_bytes(2, "big") for word in words]
    return b"".join(pair + bytes((crc8(pair),)) for pair in pairs)


def test_setup_ends_periodic_measurement_before_the_reset_that_it_would_refuse() -> None:
    with Playback([Transfer(ADDRESS, b"\x30\x93"), Transfer(ADDRESS, b"\x30\xa2")]) as bus:
        assert play(Sht3x(Options()).setup(), bus, address=ADDRESS).waits_s == (0.001, 0.0015)


def test_identify_reads_the_serial_number() -> None:
    answer = with_checksums(0x1A2B, 0x3C4D)
    with Playback([Transfer(ADDRESS, SERIAL_NUMBER), Transfer(ADDRESS, b"", answer)]) as bus:
        identity = play(Sht3x(Options()).identify(), bus, address=ADDRESS).result
    assert identity.part == "SHT3x, serial number 1a2b3c4d"
    assert identity.channels == ("temperature", "humidity")
    assert not identity.note


def test_a_copy_without_a_serial_number_is_known_by_its_status_register_and_noted() -> None:
    transfers = [
        Transfer(ADDRESS, SERIAL_NUMBER),
        Transfer(ADDRESS, b"", Nack("nothing to say")),
        Transfer(ADDRESS, STATUS),
        Transfer(ADDRESS, b"", with_checksums(0x8010)),
        Transfer(ADDRESS, MANUFACTURER_ID, Nack("unknown")),
    ]
    with Playback(transfers) as bus:
        identity = play(Sht3x(Options()).identify(), bus, address=ADDRESS).result
    assert identity.part == "SHT3x"
    assert "no serial number" in identity.note


@pytest.mark.parametrize("answer", [with_checksums(0x5959), b"\xff\xff\xff"])
def test_a_copy_may_answer_anything_to_another_makers_command(answer: bytes) -> None:
    transfers = [
        Transfer(ADDRESS, SERIAL_NUMBER, Nack("unknown")),
        Transfer(ADDRESS, STATUS),
        Transfer(ADDRESS, b"", with_checksums(0x8010)),
        Transfer(ADDRESS, MANUFACTURER_ID),
        Transfer(ADDRESS, b"", answer),
    ]
    with Playback(transfers) as bus:
        assert play(Sht3x(Options()).identify(), bus, address=ADDRESS).result.part == "SHT3x"


def test_an_hdc302x_is_refused() -> None:
    """It has the same addresses, commands and status register."""
    transfers = [
        Transfer(ADDRESS, SERIAL_NUMBER, Nack("unknown")),
        Transfer(ADDRESS, STATUS),
        Transfer(ADDRESS, b"", with_checksums(0x8010)),
        Transfer(ADDRESS, MANUFACTURER_ID),
        Transfer(ADDRESS, b"", bytes.fromhex("30 00 33")),
    ]
    with Playback(transfers) as bus, pytest.raises(WrongChip, match="HDC302x"):
        play(Sht3x(Options()).identify(), bus, address=ADDRESS)


def test_nobody_at_the_address_is_told_as_the_wire_tells_it() -> None:
    transfers = [Transfer(ADDRESS, SERIAL_NUMBER, Nack("absent")), Transfer(ADDRESS, STATUS, Nack("absent"))]
    with Playback(transfers) as bus, pytest.raises(Nack):
        play(Sht3x(Options()).identify(), bus, address=ADDRESS)
