"""Modbus TCP: the same requests and answers as on a serial line, in another envelope.

Specification: MODBUS Messaging on TCP/IP Implementation Guide V1.0b (modbus.org), section 3.1.3. A driver writes and
reads the frames of a serial line, with unit and CRC; here they are put into the envelope and taken out of it::

    byte    0       1       2  3       4       5       6      7 ...
            trans_h trans_l 0  0       count_h count_l unit   function and data, without CRC

An answer is told by its transaction number: what is late can never be taken for what is current.
"""

from __future__ import annotations

import struct
import time
from typing import Final

from sensor_gateway.model.checksums import crc16_modbus
from sensor_gateway.model.errors import BusMissing
from sensor_gateway.sensing.tcp.line import TcpLine

HEADER: Final = struct.Struct(">HHH")
LONGEST: Final = 254
"""The most that may stand behind the header: unit, function and data."""


def enveloped(frame: bytes, transaction: int) -> bytes:
    """A frame of a serial line, with its CRC, in the envelope of Modbus TCP."""
    return HEADER.pack(transaction, 0, len(frame) - 2) + frame[:-2]


def unenveloped(buffer: bytes) -> tuple[int, int, bytes] | None:
    """Bytes used, transaction and serial frame of the answer that ``buffer`` begins with; None while it is not whole.

    ValueError for what is no envelope: then nothing tells where the next one begins.
    """
    if len(buffer) < HEADER.size:
        return None
    transaction, protocol, count = HEADER.unpack_from(buffer)
    if protocol != 0 or not 2 <= count <= LONGEST:
        raise ValueError(f"{buffer[: HEADER.size].hex(' ')} is no header of Modbus TCP")
    end = HEADER.size + count
    if len(buffer) < end:
        return None
    body = buffer[HEADER.size : end]
    return end, transaction, body + crc16_modbus(body)


class ModbusTcpLine:
    """A SerialLine that carries the frames of Modbus RTU over a connection to a Modbus TCP server."""

    def __init__(self, line: TcpLine) -> None:
        """Over ``line``, which carries bytes to the server."""
        self.name = line.name
        self._line = line
        self._transaction = 0
        self._buffer = b""
        self._passed_over = 0

    def open(self) -> None:
        """Connect; nothing where there is a connection."""
        self._line.open()

    def close(self) -> None:
        """End the connection; nothing where there is none."""
        self._buffer = b""
        self._line.close()

    def write(self, data: bytes, timeout_s: float) -> None:
        """Send one request, under a transaction number of its own."""
        self._transaction = self._transaction % 0xFFFF + 1
        self._line.write(enveloped(data, self._transaction), timeout_s)

    def read(self, timeout_s: float) -> bytes:
        """The answer to the request that was written last; b"" at the timeout or after ``wake``.

        BusMissing where the connection is gone, or the other side does not speak Modbus TCP.
        """
        deadline_s = time.monotonic() + timeout_s
        while came := self._line.read(max(0.0, deadline_s - time.monotonic())):
            self._buffer += came
            answer = self._answer()
            if answer:
                return answer
        return b""

    def discard(self) -> int:
        """Drop the answers that have come in unread; the number of bytes. Half an answer stays, to end later."""
        self._buffer += self._line.pending()
        self._transaction = self._transaction % 0xFFFF + 1  # nothing that is there is asked for any more
        self._answer()
        if self._line.is_left:
            self._buffer = b""
        dropped, self._passed_over = self._passed_over, 0
        return dropped

    def wake(self) -> None:
        """From any thread: a read that waits, or else the next one, returns b"" at once."""
        self._line.wake()

    def _answer(self) -> bytes:
        try:
            while found := unenveloped(self._buffer):
                used, transaction, frame = found
                self._buffer = self._buffer[used:]
                if transaction == self._transaction:
                    return frame
                self._passed_over += used
        except ValueError as error:
            self.close()
            raise BusMissing(
                f"the other side of {self.name} does not speak Modbus TCP ({error}); is it `type: tcp` (RTU over TCP)?",
            ) from error
        return b""
