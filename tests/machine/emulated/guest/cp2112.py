"""A CP2112 USB bridge to I2C in software, as the kernel's driver hid-cp2112 sees it: reports in, reports out.

Reports after Silicon Labs AN495, "CP2112 interface specification"; which of them the driver uses, and how it takes the
answers, after drivers/hid/hid-cp2112.c of Linux 6.1. Numbers of several bytes have the high byte first; addresses
stand in the upper seven bits of their byte.

    10 | address | length 2                                    read
    11 | address | length 2 | count | data up to 16            write, repeated start, read
    14 | address | count | data up to 61                       write
    15 | 01                     answered by 16 | status | reason | retries 2 | length 2
    12 | length 2               answered by 13 | status | count | data up to 61
    17 | 01                                                    forget the transfer
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final

VENDOR: Final = 0x10C4
PRODUCT: Final = 0xEA90

READ, WRITE_READ, WRITE, FORCE, STATUS, CANCEL = 0x10, 0x11, 0x14, 0x12, 0x15, 0x17
READ_ANSWER, STATUS_ANSWER = 0x13, 0x16
VERSION, SMBUS = 0x05, 0x06
REPORT_SIZE: Final = 64
MOST_READ: Final = 61

DONE: Final = (0x02, 0x05)
IDLE: Final = (0x00, 0x00)


class Failed(enum.Enum):
    """Why a transfer failed: the second byte of its status, behind 3 for an error."""

    NACK = 0
    TIMEOUT = 1


Transfer = Callable[[int, bytes, int], "bytes | Failed"]
"""Address, what to write, how much to read; what was read."""


class Cp2112:
    """The bridge between the reports and a bus."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self._status = IDLE
        self._read = b""

    def feature(self, number: int) -> bytes:
        """The feature report that the driver asks for."""
        if number == VERSION:
            return bytes((VERSION, 0x0C, 0x02))  # part 0C; from version 2 on it can write and read in one transaction
        if number == SMBUS:
            return bytes((SMBUS, *(100_000).to_bytes(4, "big"), 0x02, 0x00, 0, 0, 0, 0, 0, 0, 0))
        return bytes((number,)) + bytes({0x02: 4, 0x03: 1, 0x04: 2, 0x20: 1, 0x21: 9}.get(number, REPORT_SIZE - 1))

    def output(self, report: bytes) -> bytes | None:
        """Take an output report; the input report that answers it, if one does."""
        kind = report[0]
        if kind == READ:
            self._carry_out(report[1], b"", int.from_bytes(report[2:4], "big"))
        elif kind == WRITE_READ:
            self._carry_out(report[1], report[5 : 5 + report[4]], int.from_bytes(report[2:4], "big"))
        elif kind == WRITE:
            self._carry_out(report[1], report[3 : 3 + report[2]], 0)
        elif kind == CANCEL:
            self._status, self._read = IDLE, b""
        elif kind == STATUS:
            return _padded(bytes((STATUS_ANSWER, *self._status, 0, 0)) + len(self._read).to_bytes(2, "big"))
        elif kind == FORCE:
            wanted = min(int.from_bytes(report[1:3], "big"), MOST_READ)
            part, self._read = self._read[:wanted], self._read[wanted:]
            return _padded(bytes((READ_ANSWER, DONE[0], len(part))) + part)
        return None

    def _carry_out(self, address: int, data: bytes, count: int) -> None:
        outcome = self._transfer(address >> 1, data, count)
        if isinstance(outcome, Failed):
            self._status, self._read = (0x03, outcome.value), b""
        else:
            self._status, self._read = DONE, outcome


def _padded(report: bytes) -> bytes:
    return report.ljust(REPORT_SIZE, b"\0")


def descriptor() -> bytes:
    """The report descriptor: which reports there are, and how many bytes follow the id of each."""
    features = {0x02: 4, 0x03: 1, 0x04: 2, VERSION: 2, SMBUS: 13, 0x20: 1, 0x21: 9, 0x22: 63, 0x23: 63, 0x24: 63}
    outputs = dict.fromkeys((READ, WRITE_READ, FORCE, WRITE, STATUS, CANCEL), 63)
    inputs = dict.fromkeys((READ_ANSWER, STATUS_ANSWER), 63)
    text = bytes.fromhex("06 00 ff 09 01 a1 01 15 00 26 ff 00 75 08")
    for item, reports in ((0xB1, features), (0x91, outputs), (0x81, inputs)):
        for number, count in reports.items():
            text += bytes((0x85, number, 0x95, count, 0x09, 0x01, item, 0x02))
    return text + b"\xc0"
