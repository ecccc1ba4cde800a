"""The address of a broker, as written behind ``mqtt.url``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_OURS: Final = {
    "tcp": "mqtt",
    "http": "mqtt",
    "mqtt+tcp": "mqtt",
    "ssl": "mqtts",
    "tls": "mqtts",
    "https": "mqtts",
    "tcps": "mqtts",
    "mqtt+ssl": "mqtts",
    "mqtt+tls": "mqtts",
}
_WEB: Final = ("ws", "wss", "mqtt+ws", "mqtt+wss")
_HOST: Final = re.compile(r"[A-Za-z0-9._:%-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerUrl:
    """Host and port of a broker, and whether the connection is encrypted: the scheme decides."""

    host: str
    port: int
    is_tls: bool

    def __str__(self) -> str:
        """As it would be written, with the port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.is_tls else 'mqtt'}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether what is said to this host stays on this machine, as far as its name tells (RFC 6761, 6.3)."""
        name = self.host.lower().rstrip(".")
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return name == "localhost" or name.endswith(".localhost")

    @classmethod
    def parse(cls, text: str) -> BrokerUrl:
        """Read ``mqtt://host``, ``mqtts://host`` or either with a port; ValueError says what to write instead."""
        if "@" in text:
            raise ValueError(
                "user and password do not belong into the address; "
                "expected `username:` and `password_file:` beside it, so that no log shows them"
            )
        scheme, separator, rest = text.partition("://")
        if not separator:
            raise ValueError(f"{text!r} has no scheme; expected mqtt://{text or 'broker.lan'}, or mqtts:// for TLS")
        _check_scheme(scheme.lower(), rest)
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"{text!r} is no address of a broker ({error}); expected mqtt://host:port") from None
        _check_parts(parts, text)
        is_tls = scheme.lower() == "mqtts"
        return cls(host=parts.hostname or "", port=port or _PORTS[scheme.lower()], is_tls=is_tls)


def _check_scheme(scheme: str, rest: str) -> None:
    if scheme in _PORTS:
        return
    if scheme in _OURS:
        raise ValueError(f"{scheme}:// is not known; did you mean {_OURS[scheme]}://{rest}")
    if scheme in _WEB:
        raise ValueError("MQTT over WebSocket is not spoken; expected the broker's mqtt:// or mqtts:// listener")
    raise ValueError(f"{scheme}:// is not known; expected mqtt://host, or mqtts://host for TLS")


def _check_parts(parts: SplitResult, text: str) -> None:
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(
            f"{text!r} goes on behind the port; expected host and port only (topics start with `topic_prefix:`)"
        )
    if parts.port == 0 or not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise ValueError(f"{text!r} is no address of a broker; expected mqtt://host or mqtt://host:port")
