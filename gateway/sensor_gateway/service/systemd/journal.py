"""Records in journald's native protocol: a field for each fact, so that ``journalctl SENSOR=attic`` finds them.

For a program whose standard error is the journal, as $JOURNAL_STREAM tells (systemd.exec(5)). The protocol is that of
https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. Nothing is known here of structlog: facts come in, a datagram goes out.
"""

from __future__ import annotations

import json
import os
import re
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Final, TextIO

SOCKET: Final = "/run/systemd/journal/socket"

_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3}
_OURS: Final = frozenset({"EVENT", "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER"})
_LONGEST_NAME: Final = 64
_LONGEST_VALUE: Final = 8192
_LONGEST_MESSAGE: Final = 16_384
_MOST_FIELDS: Final = 40
_WAITS_S: Final = 0.2
"""A journal that stands still holds nobody up for longer; then the record is lost."""


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether what is written to ``stream`` goes to the journal: its device and inode are those of $JOURNAL_STREAM."""
    named = environ.get("JOURNAL_STREAM", "")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{found.st_dev}:{found.st_ino}"


class Journal:
    """Takes records. ``otherwise`` takes the text of one that the journal did not: it is started anew, or gone."""

    def __init__(self, *, otherwise: Callable[[str], None], address: str = SOCKET) -> None:
        """Nothing is sent yet; ``address`` is where journald listens."""
        self._address = address
        self._otherwise = otherwise
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(_WAITS_S)

    def write(self, level: str, event: str, facts: Mapping[str, object]) -> None:
        """One record; from any thread, since a datagram goes out whole."""
        try:
            self._socket.sendto(record(level, event, facts), self._address)
        except TimeoutError:
            return
        except OSError:
            self._otherwise(message(event, facts))

    def close(self) -> None:
        """Give the socket back; what is written later goes to ``otherwise``."""
        self._socket.close()


def record(level: str, event: str, facts: Mapping[str, object]) -> bytes:
    """The datagram. Values that are too long are cut short, and facts beyond the fortieth are left to the message."""
    fields = [
        ("MESSAGE", message(event, facts)[:_LONGEST_MESSAGE]),
        ("PRIORITY", str(_PRIORITIES.get(level, 6))),
        ("SYSLOG_IDENTIFIER", "sensor-gateway"),
        ("EVENT", event),
        *((_field_name(key), _text(value)[:_LONGEST_VALUE]) for key, value in [*facts.items()][:_MOST_FIELDS]),
    ]
    return b"".join(_field(name, value) for name, value in fields)


def message(event: str, facts: Mapping[str, object]) -> str:
    """The line that journalctl shows: the event, then its facts; a traceback stands below."""
    shown = [f"{key}={_shown(value)}" for key, value in facts.items() if key != "exception"]
    below = [str(facts["exception"])] if facts.get("exception") else []
    return "\n".join([" ".join([event, *shown]), *below])


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "backslashreplace")
    if b"\n" in data:
        return name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
    return name.encode() + b"=" + data + b"\n"


def _field_name(key: str) -> str:
    """The key as journald accepts one: A-Z, 0-9 and ``_``, a letter first. Names that mean something are left alone."""
    name = re.sub(r"[^A-Z0-9_]", "_", key.upper())
    if name in _OURS or not name[:1].isalpha() or name.startswith(("CODE_", "SYSLOG_", "OBJECT_", "COREDUMP_")):
        name = f"FACT_{name}"
    return name[:_LONGEST_NAME]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _shown(value: object) -> str:
    text = _text(value)
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) and (not text or " " in text) else text
