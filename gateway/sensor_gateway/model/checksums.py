"""Checksums that chips and lines use. Pure arithmetic over bytes."""

from __future__ import annotations


def crc8(data: bytes, *, polynomial: int = 0x31, initial: int = 0xFF) -> int:
    """CRC-8, not reflected. The defaults are Sensirion's (SHT4x datasheet, section 4.4: BE EF gives 92)."""
    crc = initial
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ polynomial) & 0xFF if crc & 0x80 else crc << 1
    return crc


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
