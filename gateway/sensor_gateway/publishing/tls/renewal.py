"""When a connection is renewed because the files of ``mqtt.tls`` have changed, and what is said of them.

A change counts once it has stood still from one look to the next: whoever writes certificate and key writes one after
the other. Files that cannot be used change nothing: the connection goes on with what it began with.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from sensor_gateway.model.event_json import rfc3339
from sensor_gateway.model.log import Log
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.settings import TlsSettings
from sensor_gateway.publishing.tls.certificate import Validity
from sensor_gateway.publishing.tls.context import own_validity, tls_context

LOOK_EVERY_S: Final = 5.0
_MOST_NOTICE_MS: Final = 30 * 86_400_000
_NOTICE_PART: Final = 6
"""Soon is the last sixth of a certificate's life, and at most a month: whoever renews in time does so before."""

_MIND: Final = "the connection goes on with the former files; mend these, and they are taken without a restart"

FileStamps: TypeAlias = tuple[tuple[int, ...], ...]
"""What tells that a file was written anew, of each file: inode, size, times of change; empty where it is not there."""


def stamps_of(tls: TlsSettings | None) -> FileStamps:
    """How the files are now."""
    files = () if tls is None else (tls.ca_file, tls.certificate_file, tls.key_file)
    return tuple(_stamp(file) for file in files if file is not None)


def objection_to(tls: TlsSettings) -> str:
    """Why the files as they are cannot be used; empty if they can."""
    try:
        tls_context(tls)
    except (OSError, ValueError) as error:
        return str(error)
    return ""


class Renewal:
    """Watches the files for one connection after the other. Costs nothing but a look every five seconds."""

    def __init__(
        self,
        tls: TlsSettings,
        *,
        spread_s: float,
        log: Log,
        look: Callable[[TlsSettings], FileStamps] = stamps_of,
        judge: Callable[[TlsSettings], str] = objection_to,
        chance: random.Random | None = None,
    ) -> None:
        """Renew at a random moment within ``spread_s``, so that a fleet with new certificates does not come at once."""
        self._tls = tls
        self._spread_s = spread_s
        self._log = log
        self._look = look
        self._judge = judge
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, keeps no secret
        self._in_use: FileStamps = ()
        self._seen: FileStamps = ()
        self._judged: FileStamps = ()
        self._validity: Validity | None = None
        self._is_told = False
        self._next_look_s = 0.0
        self._due_s: float | None = None

    def begin(self, in_use: FileStamps, now_s: float) -> None:
        """A new connection, which was made with the files as ``in_use`` tells."""
        self._is_told = self._is_told and in_use == self._in_use
        self._in_use = self._seen = self._judged = in_use
        self._due_s = None
        self._next_look_s = now_s
        self._validity = None if self._tls.certificate_file is None else _validity(self._tls.certificate_file)

    def is_due(self, now_s: float, now: Stamp) -> bool:
        """Whether the connection is to be renewed now."""
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + LOOK_EVERY_S
            self._look_again(now_s, now)
            self._warn_in_time(now)
        if self._due_s is None or now_s < self._due_s:
            return False
        if self._look(self._tls) != self._judged:  # written anew since: let it settle first
            self._next_look_s = now_s
            return False
        return True

    def _look_again(self, now_s: float, now: Stamp) -> None:
        before, self._seen = self._seen, self._look(self._tls)
        if self._seen != before:
            self._judged, self._due_s = self._in_use, None
        elif self._seen not in (self._in_use, self._judged):
            self._judged = self._seen
            why = self._judge(self._tls)
            if why:
                self._log.error("certificates_not_usable", why=why, mind=_MIND)
            else:
                self._due_s = now_s + min(self._chance.uniform(0.0, self._spread_s), self._left_s(now) / 2)

    def _left_s(self, now: Stamp) -> float:
        """How long the certificate in use is still good for; for ever, as far as anybody knows."""
        if self._validity is None or now.clock is ClockState.UNSYNCED:
            return float("inf")
        return max(self._validity.until_ms - now.wall_ms, 0) / 1000

    def _warn_in_time(self, now: Stamp) -> None:
        validity = self._validity
        if validity is None or self._is_told or now.clock is ClockState.UNSYNCED:
            return
        notice_ms = min((validity.until_ms - validity.from_ms) // _NOTICE_PART, _MOST_NOTICE_MS)
        if now.wall_ms < validity.until_ms - notice_ms:
            return
        self._is_told = True
        self._log.warning(
            "certificate_expires_soon",
            file=str(self._tls.certificate_file),
            expires=rfc3339(validity.until_ms),
            mind="put a new certificate and key in the place of these: they are taken without a restart",
        )


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        known = file.stat()
    except OSError:
        return ()
    return (known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns)


def _validity(certificate: Path) -> Validity | None:
    try:
        return own_validity(certificate)
    except (OSError, ValueError):
        return None
