"""How long a certificate is valid, read from its PEM text. Pure: the standard library tells this of no own certificate.

A certificate is, in DER (RFC 5280, 4.1):

    SEQUENCE { SEQUENCE { [0] version OPTIONAL, INTEGER serial, SEQUENCE signature, SEQUENCE issuer,
                          SEQUENCE validity { Time notBefore, Time notAfter }, ... } ... }
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_LONG_LENGTH: Final = 0x80
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """From when to when a certificate is valid, in milliseconds since 1970 (UTC)."""

    from_ms: int
    until_ms: int


def validity_of(pem: bytes) -> Validity:
    """Of the first certificate in a PEM text: the own one, where a chain follows. ValueError where there is none."""
    found = _PEM.search(pem)
    if found is None:
        raise ValueError("there is no whole certificate in it")
    try:
        whole = binascii.a2b_base64(found[1])
        times = _Elements(_Elements(_Elements(whole).take(_SEQUENCE)).take(_SEQUENCE)).validity()
        return Validity(from_ms=times.take_time(), until_ms=times.take_time())
    except (ValueError, IndexError) as error:
        raise ValueError("what is in it is no certificate") from error


class _Elements:
    """What stands one behind the other in a piece of DER."""

    def __init__(self, der: bytes) -> None:
        self._der = der

    def next(self) -> tuple[int, bytes]:
        """Tag and content; IndexError and ValueError where there is none."""
        tag, length, at = self._der[0], self._der[1], 2
        if length & _LONG_LENGTH:
            at += length & ~_LONG_LENGTH
            length = int.from_bytes(self._der[2:at], "big")
        if at + length > len(self._der):
            raise ValueError("cut off")
        content, self._der = self._der[at : at + length], self._der[at + length :]
        return tag, content

    def take(self, wanted: int) -> bytes:
        """The content of an element of this tag."""
        tag, content = self.next()
        if tag != wanted:
            raise ValueError(f"tag {tag:#x} where {wanted:#x} belongs")
        return content

    def validity(self) -> _Elements:
        """Of a certificate's inner part."""
        tag, _ = self.next()
        if tag == _VERSION:
            tag, _ = self.next()
        if tag != _INTEGER:
            raise ValueError("no serial number")
        self.take(_SEQUENCE)
        self.take(_SEQUENCE)
        return _Elements(self.take(_SEQUENCE))

    def take_time(self) -> int:
        """Milliseconds since 1970 (RFC 5280, 4.1.2.5: always in UTC, to the second; two digits mean 1950 to 2049)."""
        tag, content = self.next()
        text = content.decode("ascii")
        if tag == _UTC_TIME:
            text = ("19" if text >= "50" else "20") + text
        elif tag != _GENERALIZED_TIME:
            raise ValueError("no time")
        return round(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1000)
