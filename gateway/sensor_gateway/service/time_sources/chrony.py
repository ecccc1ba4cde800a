"""chronyd, asked by its own protocol on UDP port 323 of this machine, which it opens to local users by default.

A request is 20 bytes of header, padded to the length of its answer; all numbers are big-endian (chrony's candm.h,
protocol version 6, which chrony 2.0 and all later ones speak; chrony.conf(5), cmdport)::

    request   0 version u8, 1 type u8 = 1, 4 command u16 = 33 (tracking), 6 attempt u16, 8 sequence u32
    answer    0 version u8, 1 type u8 = 2, 4 command u16, 6 format u16 = 5 (tracking), 8 status u16 = 0,
              16 sequence u32, 28 reference id u32, 32 address 20, 52 stratum u16, 54 leap status u16
              (3: not synchronised), 56 ... 104

It needs AF_INET on the loopback and no privilege. The socket in /run/chrony would need the group of chronyd.
"""

from __future__ import annotations

import secrets
import socket
import struct
from typing import Final

from sensor_gateway.service.time_sources.finding import Finding

PORT: Final = 323
_REQUEST: Final = struct.Struct("!BBxxHHI8x")
_ANSWER: Final = struct.Struct("!BBxxHHH6xI8xI20xHH")
_LENGTH: Final = 104
_VERSION: Final = 6
_TYPE_REQUEST, _TYPE_ANSWER = 1, 2
_COMMAND_TRACKING: Final = 33
_FORMAT_TRACKING: Final = 5
_LEAP_UNSYNCHRONISED: Final = 3
_PATIENCE_S: Final = 0.02


def request(sequence: int) -> bytes:
    """The question how well the clock is tracked."""
    return _REQUEST.pack(_VERSION, _TYPE_REQUEST, _COMMAND_TRACKING, 0, sequence).ljust(_LENGTH, b"\0")


def is_synchronised(answer: bytes, sequence: int) -> bool | None:
    """What an answer says; None where it is not one to this question."""
    if len(answer) < _LENGTH:
        return None
    version, kind, command, form, status, echo, _, _, leap = _ANSWER.unpack_from(answer)
    expected = (_VERSION, _TYPE_ANSWER, _COMMAND_TRACKING, _FORMAT_TRACKING, 0, sequence)
    if (version, kind, command, form, status, echo) != expected:
        return None
    return int(leap) != _LEAP_UNSYNCHRONISED


class Chrony:
    """Asks chronyd each time anew: it may be started later than we are."""

    def __init__(self, port: int = PORT) -> None:
        """Ask at ``port`` of 127.0.0.1."""
        self._port = port

    def look(self, wall_ms: int) -> Finding:  # noqa: ARG002 (chronyd knows better)
        """Set as soon as chronyd says that it is synchronised; unknown where it does not answer."""
        sequence = secrets.randbits(32)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
                asking.settimeout(_PATIENCE_S)
                asking.connect(("127.0.0.1", self._port))
                asking.send(request(sequence))
                answer = is_synchronised(asking.recv(512), sequence)
        except OSError as error:
            return Finding(
                is_set=None, why=f"chronyd does not answer on UDP port {self._port} of this machine: {error}"
            )
        if answer is None:
            return Finding(is_set=None, why=f"what answers on UDP port {self._port} does not speak chrony's protocol 6")
        if answer:
            return Finding(is_set=True, why="chronyd says that the clock is synchronised")
        return Finding(is_set=False, why="chronyd says that the clock is not synchronised yet")
