from __future__ import annotations

from sensor_drivers.sht4x import Options, Sht4x
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x44


def test_setup_resets_the_chip_and_lets_it_wake() -> None:
    with Playback([Transfer(ADDRESS, b"\x94")]) as bus:
        assert play(Sht4x(Options()).setup(), bus, address=ADDRESS).waits_s == (0.001,)


def test_identify_reads_the_serial_number() -> None:
    """As periph recorded it from a real chip (TestBasic)."""
    with Playback([Transfer(ADDRESS, b"\x89"), Transfer(ADDRESS, b"", bytes.fromhex("0d 20 47 61 01 11"))]) as bus:
        identity = play(Sht4x(Options()).identify(), bus, address=ADDRESS).result
    assert identity.part == "SHT4x, serial number 0d206101"
    assert identity.channels == ("temperature", "humidity")
