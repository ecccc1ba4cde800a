from __future__ import annotations

import pytest

from sensor_drivers.hdc302x import Hdc302x, Options
from sensor_gateway.driver import Nack, WrongChip, crc8
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x44
IDENTITY = [
    Transfer(ADDRESS, b"\x37\x81", bytes.fromhex("30 00 33")),
    Transfer(ADDRESS, b"\x36\x83", bytes.fromhex("c2 95 3e")),
    Transfer(ADDRESS, b"\x36\x84", bytes.fromhex("b1 49 51")),
    Transfer(ADDRESS, b"\x36\x85", bytes.fromhex("15 21 2f")),
]
"""As periph/devices recorded it from a real chip (hdc302x_test.go, pbConfiguration)."""


def with_checksums(*words: int) -> bytes:
    pairs = [word.to_bytes(2, "big") for word in words]
    return b"".join(pair + bytes((crc8(pair),)) for pair in pairs)


def test_setup_leaves_auto_measurement_before_and_after_the_reset() -> None:
    with Playback([Transfer(ADDRESS, data) for data in (b"\x30\x93", b"\x30\xa2", b"\x30\x93")]) as bus:
        assert play(Hdc302x(Options()).setup(), bus, address=ADDRESS).waits_s == (0.001, 0.005, 0.001)


def test_identify_checks_the_manufacturer_and_reads_the_serial_number() -> None:
    with Playback(IDENTITY) as bus:
        identity = play(Hdc302x(Options()).identify(), bus, address=ADDRESS).result
    assert identity.part == "HDC302x, serial number c295b1491521"
    assert identity.channels == ("temperature", "humidity")


def test_another_makers_chip_is_refused() -> None:
    bus = Playback([Transfer(ADDRESS, b"\x37\x81", with_checksums(0x5959))])
    with pytest.raises(WrongChip, match="expected 3000, got 5959"):
        play(Hdc302x(Options()).identify(), bus, address=ADDRESS)


def test_nobody_at_the_address_is_told_as_the_wire_tells_it() -> None:
    with Playback([Transfer(ADDRESS, b"\x37\x81", Nack("absent"))]) as bus, pytest.raises(Nack):
        play(Hdc302x(Options()).identify(), bus, address=ADDRESS)
