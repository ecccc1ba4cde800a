"""How a connection begins and ends: our will, the broker's greeting, and what is known of a loss. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NO_RECEIVE_LIMIT: Final = 65_535
LARGEST_PACKET: Final = 268_435_455
"""Largest packet that MQTT knows (MQTT 5.0, section 2.1.4)."""


class Protocol(StrEnum):
    """The two versions of MQTT that are spoken."""

    V5 = "5"
    V311 = "3.1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the broker publishes, retained at QoS 1, when the connection ends without a goodbye."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """The broker's CONNACK: its answer (in MQTT 5's codes for both versions), and the limits that it sets."""

    reason: int
    text: str
    receive_maximum: int = NO_RECEIVE_LIMIT
    maximum_packet: int = LARGEST_PACKET
    maximum_qos: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """How a connection ended. ``by_peer``: the broker closed it, or what stands before it.

    ``by_incoming``: we closed it, over what came in. ``is_alert``: it broke off TLS and said why, which ``text`` tells.
    ``is_planned``: we closed it in order to make it anew.
    """

    by_peer: bool
    reason: int | None
    text: str
    by_incoming: bool = False
    is_alert: bool = False
    is_planned: bool = False
