"""Checksums that chips and lines use. Pure arithmetic over bytes."""

from __future__ import annotations

from sensor_gateway.model.errors import BadFrame


def crc8(data: bytes, *, polynomial: int = 0x31, initial: int = 0xFF) -> int:
    """CRC-8, not reflected. The defaults are Sensirion's (SHT4x datasheet, section 4.4: BE EF gives 92)."""
    crc = initial
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ polynomial) & 0xFF if crc & 0x80 else crc << 1
    return crc


def crc8_maxim(data: bytes) -> int:
    """CRC-8 of 1-wire (Maxim application note 27): polynomial 31, reflected, beginning with 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8C if crc & 1 else crc >> 1
    return crc


def checked_words(frame: bytes, count: int, *, initial: int = 0xFF) -> tuple[int, ...]:
    """The 16-bit words of an answer in which each is followed by its CRC-8 (polynomial 31), as Sensirion's parts do.

    BadFrame says which word's checksum was expected, and what came.
    """
    if len(frame) != 3 * count:
        raise BadFrame("answer of the wrong length", expected=f"{3 * count} bytes", got=frame)
    words = []
    for at in range(0, len(frame), 3):
        check = crc8(frame[at : at + 2], initial=initial)
        if check != frame[at + 2]:
            place = f"checksum of word {at // 3 + 1}"
            raise BadFrame(place, expected=f"{check:02x}", got=f"{frame[at + 2]:02x}")
        words.append(frame[at] << 8 | frame[at + 1])
    return tuple(words)


def _modbus_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_MODBUS = _modbus_table()


def crc16_modbus(data: bytes) -> bytes:
    """The two check bytes of a Modbus RTU frame, low byte first (Modbus over serial line 1.02, section 6.2.2)."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _MODBUS[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def nmea_checksum(sentence: bytes) -> int:
    """XOR of all bytes between ``$`` and ``*`` (NMEA 0183, section 5.3)."""
    check = 0
    for byte in sentence:
        check ^= byte
    return check
