from __future__ import annotations

import pytest

from sensor_drivers.shtc3 import Options, Shtc3
from sensor_gateway.driver import Nack, WrongChip, crc8
from sensor_gateway.testing import Playback, Transfer, play

ADDRESS = 0x70
WAKEUP, READ_ID = b"\x35\x17", b"\xef\xc8"


def with_checksums(*words: int) -> bytes:
    pairs = [word.to_bytes(2, "big") for word in words]
    return b"".join(pair + bytes((crc8(pair),)) for pair in pairs)


def test_setup_resets_the_chip() -> None:
    with Playback([Transfer(ADDRESS, b"\x80\x5d")]) as bus:
        assert play(Shtc3("shtc3", Options()).setup(), bus, address=ADDRESS).waits_s == (0.001,)


@pytest.mark.parametrize("found", [0x0807, 0x0887, 0xFFC7])
def test_an_shtc3_is_woken_and_told_by_the_fixed_bits_of_its_id(found: int) -> None:
    transfers = [Transfer(ADDRESS, WAKEUP), Transfer(ADDRESS, READ_ID), Transfer(ADDRESS, b"", with_checksums(found))]
    with Playback(transfers) as bus:
        played = play(Shtc3("shtc3", Options()).identify(), bus, address=ADDRESS)
    assert played.result.part == "SHTC3"
    assert played.waits_s == (0.001, 0.001)


def test_an_shtc1_that_knows_no_waking_is_identified_all_the_same() -> None:
    transfers = [
        Transfer(ADDRESS, WAKEUP, Nack("unknown")),
        Transfer(ADDRESS, READ_ID),
        Transfer(ADDRESS, b"", with_checksums(0x1007)),
    ]
    with Playback(transfers) as bus:
        assert play(Shtc3("shtc1", Options()).identify(), bus, address=ADDRESS).result.part == "SHTC1"


@pytest.mark.parametrize(
    ("variant", "found"), [("shtc3", 0x0007), ("shtc3", 0x0827), ("shtc1", 0x0006), ("shtc1", 0xFFFF)]
)
def test_another_chip_is_refused(variant: str, found: int) -> None:
    transfers = [Transfer(ADDRESS, WAKEUP), Transfer(ADDRESS, READ_ID), Transfer(ADDRESS, b"", with_checksums(found))]
    with Playback(transfers) as bus, pytest.raises(WrongChip, match=f"got {found:04x}"):
        play(Shtc3(variant, Options()).identify(), bus, address=ADDRESS)


def test_nobody_at_the_address_is_told_as_the_wire_tells_it() -> None:
    transfers = [Transfer(ADDRESS, WAKEUP, Nack("absent")), Transfer(ADDRESS, READ_ID, Nack("absent"))]
    with Playback(transfers) as bus, pytest.raises(Nack):
        play(Shtc3("shtc3", Options()).identify(), bus, address=ADDRESS)
