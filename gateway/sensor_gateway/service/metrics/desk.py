"""What is answered on the metrics port: as much of HTTP/1.1 (RFC 9112) as a scrape needs, one request a connection.

The publisher examines the gateway for it, at most once a second however many ask, and the page is made of that.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.vitals.gateway_health import Health
from sensor_gateway.service.health.examined import Examined
from sensor_gateway.service.metrics.exposition import exposition
from sensor_gateway.service.metrics.families import FAMILIES
from sensor_gateway.service.visitors.visitor import Manners, Pending, Said

PATH: Final = "/metrics"
MOST_HEAD: Final = 8192
"""Bytes of a request, which has no body."""

EXAMINED_WITHIN_S: Final = 5.0
"""Prometheus waits for 10 s unless told otherwise. Figures that are older than that are not given for new ones."""

FRESH_S: Final = 1.0

_END: Final = b"\r\n\r\n"
_OF_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"
_OF_WORDS: Final = "text/plain; charset=utf-8"


def manners_of(desk: MetricsDesk) -> Manners:
    """How one asks at the metrics port."""
    return Manners(most=MOST_HEAD, whole=_whole_head, asker=_nobody, begin=desk.begin)


class MetricsDesk:
    """Takes a request, and gives its answer. For the thread of the metrics port."""

    def __init__(self, examined: Examined, *, wake_publisher: Callable[[], None], ring: Callable[[], None]) -> None:
        """Ask ``examined``, whose thread is woken; ``ring`` is called when it has answered."""
        self._examined = examined
        self._wake_publisher = wake_publisher
        self._ring = ring
        self._asked_s: float | None = None
        self._before: Health | None = None
        self._page = b""
        self._page_s = 0.0

    def begin(self, head: bytes, _asker: str, now_s: float) -> Pending:
        """A request came in, as far as its empty line."""
        if len(head) > MOST_HEAD:
            return _words("431 Request Header Fields Too Large", f"a request has at most {MOST_HEAD} bytes here")
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        target, _, version = rest.partition(" ")
        if not method or not target or not version.startswith("HTTP/1."):
            return _words("400 Bad Request", f"expected HTTP/1.1, such as GET {PATH} HTTP/1.1")
        if target.partition("?")[0] != PATH:
            return _words("404 Not Found", f"there is {PATH} here, and nothing else")
        if method not in ("GET", "HEAD"):
            return _words("405 Method Not Allowed", f"{PATH} can be read, and nothing else", "Allow: GET, HEAD")
        self._ask(now_s)
        return _Scrape(desk=self, is_head=method == "HEAD", until_s=now_s + EXAMINED_WITHIN_S)

    def page(self, now_s: float) -> bytes | None:
        """The figures, at most FRESH_S old; None while the publisher has not given them."""
        newest = self._examined.newest
        if self._asked_s is not None and newest is not None and newest is not self._before:
            self._page, self._page_s, self._asked_s = exposition(FAMILIES, newest), now_s, None
        return self._page if self._page and now_s - self._page_s < FRESH_S else None

    def _ask(self, now_s: float) -> None:
        if self._asked_s is not None and now_s - self._asked_s >= FRESH_S:
            self._asked_s = None  # whatever came of that is no answer to this one
        if self._asked_s is not None or self.page(now_s) is not None:
            return
        self._asked_s, self._before = now_s, self._examined.newest
        self._examined.ask(self._ring)
        self._wake_publisher()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scrape:
    desk: MetricsDesk
    is_head: bool
    until_s: float

    def answer(self, now_s: float) -> bytes | None:
        page = self.desk.page(now_s)
        if page is not None:
            return _response("200 OK", page, _OF_METRICS, is_head=self.is_head)
        if now_s < self.until_s:
            return None
        reason = f"the gateway starts, or its publisher has not answered within {EXAMINED_WITHIN_S:g} s; see the log"
        return _response("503 Service Unavailable", _line(reason), _OF_WORDS, is_head=self.is_head)


def _words(status: str, reason: str, *fields: str) -> Said:
    return Said(_response(status, _line(reason), _OF_WORDS, *fields))


def _line(words: str) -> bytes:
    return f"{words}\n".encode()


def _response(status: str, body: bytes, kind: str, *fields: str, is_head: bool = False) -> bytes:
    head = (
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        *fields,
    )
    return "\r\n".join(head).encode() + _END + (b"" if is_head else body)


def _whole_head(heard: bytearray, *, is_ended: bool) -> bytes | None:
    """All up to the empty line; what has become too long, too, so that it is answered."""
    head, end, _ = heard.partition(_END)
    if end or len(heard) > MOST_HEAD:
        return bytes(head)
    return b"" if is_ended else None


def _nobody(_connection: socket.socket) -> str:
    """Who reads is not logged."""
    return ""
