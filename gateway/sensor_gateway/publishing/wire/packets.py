"""PUBLISH packets of retained states, many to one write. Pure.

paho's ``publish`` costs 7 us and a system call per state; these cost half a microsecond. At QoS 0 there is no packet
id and no answer, so paho has nothing to keep account of. (MQTT 5.0, section 3.3; MQTT 3.1.1, section 3.3.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from sensor_gateway.publishing.states import StateMessage

_RETAINED: Final = b"\x31"
_CHUNK: Final = 1 << 17
_LIFETIMES_KEPT: Final = 1000
_QOS1_OVERHEAD: Final = 1 + 4 + 2 + 2 + 1
"""Type, remaining length, topic length, packet id, empty properties: at most."""


class StatePackets:
    """Writes the packets of one connection. ``has_properties`` is MQTT 5; without ``has_expiry`` states stay."""

    def __init__(self, *, has_properties: bool, has_expiry: bool) -> None:
        """Keep topics, and the properties of each lifetime, ready in bytes."""
        self._has_expiry = has_properties and has_expiry
        self._plain = b"\x00" if has_properties else b""
        self._topics: dict[str, bytes] = {}
        self._lifetimes: dict[int, bytes] = {}

    def chunks(self, messages: Iterable[StateMessage], *, largest: int) -> Iterator[bytes]:
        """Whole packets, joined to pieces of about 128 kB. A packet above ``largest`` bytes is left out."""
        packets: list[bytes] = []
        size = 0
        for message in messages:
            packet = self._packet(message)
            if len(packet) > largest:
                continue
            packets.append(packet)
            size += len(packet)
            if size >= _CHUNK:
                yield b"".join(packets)
                packets = []
                size = 0
        if packets:
            yield b"".join(packets)

    def _packet(self, message: StateMessage) -> bytes:
        topic = self._topics.get(message.topic)
        if topic is None:
            name = message.topic.encode()
            topic = self._topics[message.topic] = len(name).to_bytes(2, "big") + name
        properties = self._plain
        if self._has_expiry and message.lifetime_s is not None:
            properties = self._lifetimes.get(message.lifetime_s) or self._learn(message.lifetime_s)
        payload = message.payload
        length = variable_length(len(topic) + len(properties) + len(payload))
        return b"".join((_RETAINED, length, topic, properties, payload))

    def _learn(self, lifetime_s: int) -> bytes:
        if len(self._lifetimes) >= _LIFETIMES_KEPT:
            self._lifetimes.clear()
        properties = self._lifetimes[lifetime_s] = expiry_properties(lifetime_s)
        return properties


def payload_room(topic: str, largest: int) -> int:
    """How large the payload of a QoS 1 publish to ``topic`` may be, if the whole packet may have ``largest`` bytes."""
    return largest - _QOS1_OVERHEAD - len(topic.encode())


def expiry_properties(seconds: int) -> bytes:
    """MQTT 5 properties of a message that lives for ``seconds``, a second at least (section 3.3.2.3.3)."""
    return b"\x05\x02" + max(seconds, 1).to_bytes(4, "big")


def variable_length(length: int) -> bytes:
    """A variable byte integer (MQTT 5, section 1.5.5)."""
    if length < 128:
        return bytes((length,))
    if length < 16_384:
        return bytes((length & 127 | 128, length >> 7))
    encoded = bytearray()
    while length >= 128:
        encoded.append(length & 127 | 128)
        length >>= 7
    encoded.append(length)
    return bytes(encoded)
