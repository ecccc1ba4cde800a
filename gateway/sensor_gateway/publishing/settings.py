"""What publishing is told: which broker, how to reach it, and how the stream of events is to flow."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

Version: TypeAlias = Literal["auto", "5", "3.1.1"]

StatePayload: TypeAlias = Literal["json", "value"]
"""What a state topic gets: the event as it is, or its value alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Encryption. The system's authorities are trusted unless ``ca_file`` names others; files are PEM."""

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """One broker, and how patient we are with it. ``password`` never shows in a repr."""

    host: str
    port: int
    client_id: str
    tls: TlsSettings | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    version: Version = "auto"
    keepalive_s: float = 60.0
    ack_timeout_s: float = 30.0
    first_retry_spread_s: float = 0.0
    retry_max_s: float = 300.0
    states: bool = True
    payload: StatePayload = "json"
    expiry: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """Where the stream goes and how fast.

    ``drain_rate`` is in events per second (0: no limit). Events older than ``spill_after_s`` as they are sent are
    marked as replayed. While the clock is not set, the stream is held for at most ``clock_hold_s`` after the start.
    ``hold_when_no_subscriber``: an event that nobody listened to is not delivered (MQTT 5 alone tells).
    """

    gateway: str
    topic_prefix: str = "sensors/v1"
    drain_rate: float = 500.0
    spill_after_s: float = 5.0
    clock_hold_s: float = 60.0
    hold_when_no_subscriber: bool = False
